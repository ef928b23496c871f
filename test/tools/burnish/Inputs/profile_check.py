"""profile_check.py - what a profile says of the product of profile_model.py, and whether all times are there.

usage: profile_check.py PROFILE.json
"""

import json
import sys

with open(sys.argv[1]) as file:
    profile = json.load(file)["profile"]
for place in profile["places"]:
    if place["where"].startswith("node 'dense'"):
        print(
            f"product: {place['operations']} operations, {place['bytes']} bytes, {place['constant_bytes']} of constants, "
            f"{place['calls']} call"
        )
times = [place["least_ms"] > 0 and place["ms"] >= place["least_ms"] * place["calls"] * 0.999 for place in profile["places"]]
peaks = [profile[name] > 0 for name in ("gflops", "l2_gbs", "l3_gbs", "memory_gbs")]
print("every time is there:", all(times + peaks) and len(times) >= 3)
