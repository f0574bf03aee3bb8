"""Whether a container file was cut short, told by its own structure. It decodes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import IO


def is_torn(path: Path) -> bool:
    """True where the file's own structure says that bytes are missing at its end (MP4/MOV, AVI, Matroska, GIF)."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(12)
        file.seek(0)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _torn_boxes(file, size)
        if head[:4] == b"RIFF":
            return _torn_riff(file, size)
        if head[:4] == b"\x1aE\xdf\xa3":
            return _torn_ebml(file, size)
        if head[:3] == b"GIF":
            file.seek(max(0, size - 16))
            return not file.read().rstrip(b"\0").endswith(b";")
    return False


def _torn_boxes(file: IO[bytes], size: int) -> bool:
    """ISO/IEC 14496-12: top-level boxes of 32- or 64-bit size; size 0 runs to the end of the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length = int.from_bytes(header[:4], "big")
        if not header[4:8].isascii() or length == 0:
            return False
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        if length < 8:
            return False
        position += length
    return position > size


def _torn_riff(file: IO[bytes], size: int) -> bool:
    """RIFF chunks, several in large AVI files. A length of 0 was never filled in and says nothing."""
    position = 0
    while position + 12 <= size:
        file.seek(position)
        header = file.read(12)
        length = int.from_bytes(header[4:8], "little")
        if header[:4] != b"RIFF" or length in (0, 0xFFFFFFFF):
            return False
        position += 8 + length + length % 2
    return position > size + 1  # the last pad byte is often left out


def _torn_ebml(file: IO[bytes], size: int) -> bool:
    """RFC 8794: element id, length, payload. Lengths that were never filled in (live recordings) are entered."""
    segment, cluster = 0x18538067, 0x1F43B675
    position = 0
    while position < size:
        file.seek(position)
        header = file.read(12)
        identity, used = _ebml_number(header, keep_marker=True)
        length, more = _ebml_number(header[used:], keep_marker=False)
        if used == 0 or more == 0:
            return len(header) < 12 and position + len(header) == size
        payload = position + used + more
        unknown = length == (1 << 7 * more) - 1
        if unknown or identity in (segment, cluster):
            if not unknown and payload + length > size:
                return True
            position = payload
        else:
            position = payload + length
    return position > size


def _ebml_number(data: bytes, *, keep_marker: bool) -> tuple[int, int]:
    """A variable-length number and the bytes it took; (0, 0) where there is none."""
    if not data or data[0] == 0:
        return 0, 0
    count = 9 - data[0].bit_length()
    if len(data) < count:
        return 0, 0
    value = int.from_bytes(data[:count], "big")
    return (value if keep_marker else value & ((1 << 7 * count) - 1)), count
