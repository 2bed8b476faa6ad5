"""Damage to files: bytes, numbers, lines and words; archives are damaged inside and closed again."""

import gzip
import io
import random
import re
import zipfile

__all__ = ["mutated"]

NUMBERS = [b"0", b"-1", b"1", b"2", b"1e12", b"1000000000000", b"99999999999999999999", b"-0", b"nan", b"inf", b"1e308"]
NUMBERS += [b"1e-320", b"true", b"null", b"0x7fffffff", b"4294967296", b"2147483648", b"1" * 5000, b"0.1", b"1_0"]
WORDS = {
    "": [
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\xe2\x80\xa8",
        b"\r",
        b"\n",
        b"\t",
        b" ",
        b"\x1b",
        b"\xc3\x28",
        b"A" * 9000,
    ],
    ".edgelist": [
        b"# agents: ",
        b"{'weight': 2}",
        b"{",
        b"}",
        b"#",
        b"np.float64(1)",
        b"(" * 300,
        b"[" * 5000,
        b" {" * 3000,
    ],
    ".graphml": [
        b"<node id='a'/>",
        b"<graph>",
        b"</graph>",
        b"<data key='w'>",
        b"<![CDATA[",
        b"<!-- ",
        b"&amp;",
        b"&b;",
    ],
    ".gml": [
        b"graph [",
        b"]",
        b"node [ id 9 ]",
        b'"',
        b"&#38;",
        b"&#x110000;",
        b"label",
        b"[ " * 4000,
        b"INF",
        b"weight [ ]",
    ],
    ".json": [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"id"',
        b'"nodes"',
        b'"links"',
        b'"elements"',
        b'"adjacency"',
        b",",
        b":",
        b"[" * 9000,
    ],
    ".csv": [
        b",",
        b";",
        b'"',
        b"source",
        b"target",
        b"agent",
        b"sep=;\n",
        b",,,,",
        b"\n\n",
        b'"""',
        b"weight",
        b"," * 9000,
    ],
    ".toml": [
        b"[grid]",
        b"[[run]]",
        b"=",
        b'"""',
        b"{ start = 0, stop = 1e12, step = 1 }",
        b"n = [",
        b"]",
        b"kind",
        b"file",
    ],
}
WORDS[".graphml"] += [b'<!DOCTYPE g [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>', b"<x>" * 3000, b"<hyperedge/>"]
NPY = [
    b"'<f8'",
    b"'|O'",
    b"'>i4'",
    b"'<U9'",
    b"(1000000000000,)",
    b"(2, 2)",
    b"True",
    b"()",
    b"(-1,)",
    b"'<c16'",
    b"'|V8'",
]


def mutated(content: bytes, suffix: str, others: list[bytes], rng: random.Random) -> bytes:
    """Return a damaged copy of a file's content; ``others`` are files to splice it with."""
    if suffix == ".npz" and rng.random() < 0.85:
        return _rebuilt(content, rng)
    if suffix == ".gz" and rng.random() < 0.7:
        return gzip.compress(_many(gzip.decompress(content), "", others, rng), compresslevel=1)
    return _many(content, suffix, others, rng)


def _many(content: bytes, suffix: str, others: list[bytes], rng: random.Random) -> bytes:
    for _ in range(rng.choice([1, 1, 1, 2, 3, 5])):
        content = _once(content, suffix, others, rng)[: 2**20]
    return content


def _once(content: bytes, suffix: str, others: list[bytes], rng: random.Random) -> bytes:
    size = len(content)
    a, b = sorted((rng.randint(0, size), rng.randint(0, size)))
    match rng.randrange(12):
        case 0:
            return content[:a]
        case 1:
            return content[:a] + content[min(b, a + 40) :]
        case 2:
            return content[:b] + content[a:b] * rng.choice([1, 1, 2, 50]) + content[b:]
        case 3 if size:
            flipped = bytearray(content)
            for _ in range(rng.choice([1, 1, 8])):
                flipped[rng.randrange(size)] ^= 1 << rng.randrange(8)
            return bytes(flipped)
        case 4:
            return content[:a] + rng.randbytes(rng.choice([1, 4, 64])) + content[a:]
        case 5 | 6:
            return content[:a] + rng.choice(WORDS.get(suffix, []) + WORDS[""]) + content[a:]
        case 7 | 8:
            return _renumbered(content, rng)
        case 9:
            lines = content.split(b"\n")
            i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[i], lines[j] = lines[j], lines[i]
            return b"\n".join(lines)
        case 10:
            other = rng.choice(others)
            return content[:a] + other[rng.randint(0, len(other)) :]
        case _:
            words = re.findall(rb"[A-Za-z_]{2,}", content) or [b"x"]
            return content.replace(rng.choice(words), rng.choice([*words, b"", b"agent"]), rng.choice([1, -1]))


def _renumbered(content: bytes, rng: random.Random) -> bytes:
    found = list(re.finditer(rb"[0-9]+", content))
    if not found:
        return content
    chosen = rng.choice(found)
    return content[: chosen.start()] + rng.choice(NUMBERS) + content[chosen.end() :]


def _rebuilt(content: bytes, rng: random.Random) -> bytes:
    """Damage one member of an archive, its header included, and close it with the right checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(rng.choice([1, 1, 2])):
        name = rng.choice(sorted(members))
        inside = members[name]
        match rng.randrange(7):
            case 0:
                del members[name]
                if not members:
                    members = {"x.npy": b""}
            case 1:
                members[rng.choice([*members, "labels.npy", "text.npy", "../up.npy", "b.txt"])] = members.pop(name)
            case 2:
                members[name] = members[rng.choice(sorted(members))]
            case 3:
                members[name] = _header(inside, rng)
            case 4 if len(inside) > 128:  # numbers of the array itself
                at = rng.randrange(128, len(inside))
                members[name] = inside[:at] + rng.choice([b"\xff" * 8, b"\0" * 8, rng.randbytes(8)]) + inside[at + 8 :]
            case 5:
                members[name] = _renumbered(inside, rng)
            case _:
                members[name] = _once(inside, "", list(members.values()), rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for name, inside in members.items():
            archive.writestr(name, inside)
    return out.getvalue()


def _header(inside: bytes, rng: random.Random) -> bytes:
    """Change dtype, order or shape in a header of NumPy's, and keep its length."""
    end = inside.find(b"\n")
    fields = list(re.finditer(rb"'[<>|=][A-Za-z][0-9]*'|\([0-9, ]*\)|True|False", inside[:end]))
    if not fields:
        return inside
    chosen = rng.choice(fields)
    changed = inside[: chosen.start()] + rng.choice(NPY) + inside[chosen.end() : end].rstrip()
    return changed.ljust(end)[: max(end, 0)] + inside[end:]
