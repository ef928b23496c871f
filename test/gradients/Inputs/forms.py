"""forms.py - cases for forms of operators: places of resizing, attention, sums of products, norms."""

import numpy as np


def cases():
    made = Cases()
    normal, apart, node, case = made.normal, made.apart, made.node, made.case

    for place in ("half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"):
        for mode in ("linear", "cubic"):
            case(
                f"Resize_{place}_{mode}",
                node("Resize", ["x", "", "", "s"], mode=mode, coordinate_transformation_mode=place, axes=[1, 2]),
                constants={"s": np.array([5, 3])}, x=normal(2, 3, 4),
            )  # fmt: skip
    case("ResizeInside", node("Resize", ["x", "", "", "s"], mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5, axes=[1]), constants={"s": np.array([7])}, x=normal(2, 4))
    for rounding in ("round_prefer_ceil", "floor", "ceil"):
        case("Resize_" + rounding, node("Resize", ["x", "", "", "s"], mode="nearest", nearest_mode=rounding, axes=[1]), constants={"s": np.array([7])}, x=normal(2, 4))

    heads = dict(q=normal(2, 4, 3, 5), k=normal(2, 2, 4, 5), v=normal(2, 2, 4, 6))
    names = ["q", "k", "v"]
    case("AttentionGroups", node("Attention", names), **heads)
    case("AttentionCausal", node("Attention", names, is_causal=1, scale=0.3, softcap=1.5), **heads)
    case("AttentionMask", node("Attention", [*names, "m"]), m=normal(3, 4), **heads)
    seen = np.tril(np.ones((2, 1, 3, 4), bool), 1)
    case("AttentionSeen", node("Attention", [*names, "m"]), constants={"m": seen}, **heads)
    case(
        "AttentionPast", node("Attention", [*names, "", "pk", "pv"], is_causal=1, outputs=["y", "nk", "nv"]),
        pk=normal(2, 2, 2, 5), pv=normal(2, 2, 2, 6), **heads,
    )  # fmt: skip
    case(
        "AttentionFlat", node("Attention", names, q_num_heads=4, kv_num_heads=2),
        q=normal(2, 3, 8), k=normal(2, 4, 4), v=normal(2, 4, 6),
    )  # fmt: skip
    case(
        "RotaryEmbedding", node("RotaryEmbedding", ["x", "c", "s"], interleaved=1),
        x=normal(1, 2, 3, 4), c=normal(1, 3, 2), s=normal(1, 3, 2),
    )  # fmt: skip
    case("RMSNormalization", node("RMSNormalization", ["x", "s"], stash_type=11), x=normal(2, 3), s=normal(3))
    case("LpNorm1", node("LpNormalization", ["x"], p=1, axis=1), x=apart(2, 3))
    case("MeanVariance", node("MeanVarianceNormalization", ["x"], axes=[0, 2]), x=normal(2, 3, 4))
    case("LrnEven", node("LRN", ["x"], size=4, alpha=0.3, beta=0.6, bias=1.2), x=normal(1, 5, 2))
    case("Swish", node("Swish", ["x"], alpha=1.3), x=normal(2, 3))
    case("Shrink", node("Shrink", ["x"], lambd=0.3, bias=0.1), x=apart(3, 4) + 0.01)
    case("EinsumDiagonal", node("Einsum", ["a"], equation="iij->ji"), a=normal(3, 3, 2))
    case("EinsumRest", node("Einsum", ["a", "b"], equation="...ij,...jk->...ki"), a=normal(2, 3, 4), b=normal(2, 4, 2))
    case("EinsumAll", node("Einsum", ["a", "b", "c"], equation="i,ij,j->"), a=normal(3), b=normal(3, 2), c=normal(2))
    case("TopKLeast", node("TopK", ["x", "k"], axis=-1, largest=0, sorted=0, outputs=["y", "i"]), constants={"k": np.array([2])}, x=apart(2, 5))
    case("GlobalLpPool", node("GlobalLpPool", ["x"]), x=apart(2, 2, 3, 2))
    case("DepthToSpace", node("DepthToSpace", ["x"], blocksize=2, mode="CRD"), x=normal(1, 8, 1, 2))
    case("ReduceLogSum", node("ReduceLogSum", ["x"]), x=np.abs(normal(2, 3)) + 0.5)
    return made.every
