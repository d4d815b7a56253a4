"""Read and render the pictures of all packages, with one key a concept across them."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from tools.demo.packages import (
    FLUENT_3D,
    FLUENT_COLOUR,
    FLUENT_FLAT,
    FXEMOJI,
    NAMES,
    NOTO,
    NOTO_V1,
    Package,
    read_members,
)

SIZE = 96
_LEFT_OUT = ("Flags", "Symbols", "Component")  # lettering and signs, not things
_SVG_SETS = (
    (FLUENT_COLOUR, "fluent", "colour"),
    (FLUENT_FLAT, "fluent", "flat"),
    (NOTO, "noto", "noto"),
    (NOTO_V1, "noto-v1", "noto-v1"),
    (FXEMOJI, "fxemoji", "fxemoji"),
)


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """One drawing of a concept.

    Attributes
    ----------
    concept : str
        Key shared by all packages: the icon name of the Fluent set.
    category : str
        Category / subcategory of the emoji data.
    design : str
        Who drew it: ``fluent``, ``noto``, ``noto-v1``, ``fxemoji``.
    style : str
        Rendering of the design; Fluent has three.
    rgba : (96, 96, 4) uint8
    """

    concept: str
    category: str
    design: str
    style: str
    rgba: NDArray[np.uint8]


def read_pictures(folder: Path) -> list[Picture]:
    """Render every usable picture of the packages in `folder`, sorted by concept and style."""
    concepts = _read_concepts(folder)
    pictures = list(_read_fluent_3d(folder, concepts))
    for package, design, style in _SVG_SETS:
        pictures.extend(_read_svg_set(folder, package, design, style, concepts))
    return sorted(pictures, key=lambda picture: (picture.concept, picture.style))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _read_json(folder: Path, package: Package, name: str) -> Any:
    return json.loads(read_members(folder, package, name)[name])


@dataclass(frozen=True, slots=True)
class _Concepts:
    """How a package's file or icon name becomes a concept key, and a key a category."""

    by_code: dict[str, str]
    by_name: dict[str, str]
    category: dict[str, str]


def _read_concepts(folder: Path) -> _Concepts:
    key_of_code = _read_json(folder, FLUENT_FLAT, "chars.json")
    entries = json.loads(read_members(folder, NAMES, "emoji_pretty.json")["emoji_pretty.json"])
    concepts = _Concepts({}, {}, {})
    unicode_names: dict[str, str] = {}
    for entry in entries:
        codes = {entry["unified"].lower(), (entry["non_qualified"] or entry["unified"]).lower()}
        codes |= {code.replace("-fe0f", "") for code in codes}
        key = next((key_of_code[code] for code in sorted(codes) if code in key_of_code), None)
        if key is None or entry["category"] in _LEFT_OUT:
            continue
        concepts.by_code.update(dict.fromkeys(codes, key))
        concepts.by_name[_letters(key)] = key
        unicode_names[_letters(entry["name"])] = key
        concepts.category[key] = f"{entry['category']} / {entry['subcategory']}"
    # Older sets use Unicode names; where the same word is another set's key, the key counts.
    concepts.by_name.update({k: v for k, v in unicode_names.items() if k not in concepts.by_name})
    return concepts


def _read_fluent_3d(folder: Path, concepts: _Concepts) -> Iterator[Picture]:
    for path, data in read_members(folder, FLUENT_3D, ".webp").items():
        key = concepts.by_code.get(Path(path).stem)
        if key is not None:
            picture = Image.open(io.BytesIO(data)).convert("RGBA")
            yield Picture(key, concepts.category[key], "fluent", "3d", _fit(picture))


def _read_svg_set(
    folder: Path, package: Package, design: str, style: str, concepts: _Concepts
) -> Iterator[Picture]:
    icons = _read_json(folder, package, "icons.json")
    for name, icon in icons["icons"].items():
        key = concepts.by_name.get(_letters(name))
        if key is None:
            continue
        width = icon.get("width", icons.get("width", 16))
        height = icon.get("height", icons.get("height", 16))
        left, top = icon.get("left", 0), icon.get("top", 0)
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" '
            f'xmlns:xlink="http://www.w3.org/1999/xlink" width="{width}" height="{height}" '
            f'viewBox="{left} {top} {width} {height}">{icon["body"]}</svg>'
        )
        png = resvg_py.svg_to_bytes(
            svg_string=svg, width=2 * SIZE, height=2 * SIZE, skip_system_fonts=True
        )
        picture = Image.open(io.BytesIO(png)).convert("RGBA")
        yield Picture(key, concepts.category[key], design, style, _fit(picture))


def _fit(picture: Image.Image) -> NDArray[np.uint8]:
    """Scale what is drawn, centred, into a square with a margin of two pixels."""
    box = picture.getchannel("A").point(lambda a: 255 if a > 8 else 0).getbbox()
    if box is None:
        return np.zeros((SIZE, SIZE, 4), dtype=np.uint8)
    drawn = picture.crop(box)
    scale = (SIZE - 4) / max(drawn.size)
    size = (max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale)))
    # Premultiplied, or the colour of transparent pixels would bleed into the edges.
    drawn = drawn.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    square = Image.new("RGBA", (SIZE, SIZE))
    square.paste(drawn, ((SIZE - size[0]) // 2, (SIZE - size[1]) // 2))
    return np.asarray(square)
