"""speed_svg.py - draws the time of each model relative to the best peer: a bar for Burnish, a dot for each peer."""

COLOURS = {"burnish": "#e8590c", "ort": "#1c7ed6", "openvino": "#2f9e44", "inductor": "#9c36b5", "iree": "#868e96"}
LABELS, PANEL, GAP, ROW, TOP, MOST = 136, 330, 28, 21, 62, 3.0
STYLE = """text { font: 12px -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a }
.strong { font-weight: 600; fill: #1f2328 } .grid { stroke: #8c959f; stroke-opacity: 0.35 } .one { stroke: #57606a; stroke-width: 1.5 }
@media (prefers-color-scheme: dark) { text { fill: #9da7b3 } .strong { fill: #f0f3f6 } .one { stroke: #9da7b3 } }"""


def text(x, y, words, anchor="start", style=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="{style}">{words}</text>'


def dot(x, y, colour, name):
    """A peer; one beyond the end of the scale is an arrow there."""
    if x > MOST:
        shape = f'<path d="M{PANEL - 4} {y - 4} l7 4 l-7 4 z" fill="{colour}">'
    else:
        shape = f'<circle cx="{x / MOST * PANEL:.1f}" cy="{y}" r="4" fill="{colour}">'
    tag = shape.split()[0][1:]
    return f"{shape}<title>{name}: {x:.2f}</title></{tag}>"


def panel(rows, threads, titles):
    """One number of threads: rows of {peer: time relative to the best peer}."""
    height = ROW * len(rows)
    out = [text(0, -22, f"{threads} thread{'s' if threads > 1 else ''}", style="strong")]
    for step in range(int(2 * MOST) + 1):
        x = step / 2 / MOST * PANEL
        out.append(f'<line x1="{x:.0f}" y1="0" x2="{x:.0f}" y2="{height}" class="{"one" if step == 2 else "grid"}"/>')
        out.append(text(x, -6, f"{step / 2:g}", "middle"))
    for k, (_, times) in enumerate(rows):
        y = k * ROW + ROW // 2
        if "burnish" in times:
            end = min(times["burnish"], MOST) / MOST * PANEL
            out.append(f'<rect x="0" y="{y - 7}" width="{end:.1f}" height="14" rx="2" fill="{COLOURS["burnish"]}"/>')
        out += [dot(time, y, COLOURS.get(peer, "#495057"), titles[peer]) for peer, time in times.items() if peer != "burnish"]
    return "\n".join(out)


def draw(tables, titles):
    """The picture, of {threads: [(model, {peer: time relative to the best peer})]} and {peer: its name}."""
    models = [model for model, _ in next(iter(tables.values()))]
    width, height = LABELS + len(tables) * (PANEL + GAP), TOP + ROW * len(models) + 8
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">']
    out += [f"<style>{STYLE}</style>", text(0, 14, "time relative to the best peer (shorter is better)", style="strong")]
    x = 320
    for peer, title in titles.items():
        colour = COLOURS.get(peer, "#495057")
        out.append(f'<circle cx="{x}" cy="10" r="5" fill="{colour}"/>' + text(x + 9, 14, title))
        x += 28 + 7 * len(title)
    out += [text(LABELS - 10, TOP + k * ROW + ROW // 2 + 4, model, "end") for k, model in enumerate(models)]
    for k, (threads, rows) in enumerate(tables.items()):
        out.append(f'<g transform="translate({LABELS + k * (PANEL + GAP)} {TOP})">\n{panel(rows, threads, titles)}\n</g>')
    return "\n".join([*out, "</svg>", ""])
