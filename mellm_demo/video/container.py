"""One file in libav's hands: opened so that nothing else is, and read packet by packet. It decodes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mellm_demo.settings import Settings
from mellm_demo.video.sentences import LIBRARY_ERRORS

# Demuxers that may be used. Playlists and scripts (HLS, concat, SDP, image patterns) make libav open further files or
# hosts, so they stay out; the sound-only ones are in so that such a file can be told apart from rubbish.
DEMUXERS = "mov,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,flv,ogg,asf,mxf,wav,flac,mp3"
CONTAINER_NAMES = {
    "avi": "AVI",
    "gif": "GIF",
    "mpegts": "MPEG-TS",
    "mpeg": "MPEG-PS",
    "flv": "FLV",
    "ogg": "Ogg",
    "asf": "ASF (WMV)",
    "mxf": "MXF",
}


def open_container(path: Path, settings: Settings) -> Any:
    """An open libav container that reads this one file and nothing else. Raises libav's errors."""
    import av

    av.logging.set_level(None)  # libav's messages can hold file names
    return av.open(
        f"file:{path}",
        metadata_errors="replace",
        options=decoder_guard(settings),
        container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": "file"},
    )


def decoder_guard(settings: Settings) -> dict[str, str]:
    """The decoders' own pixel limit, above ours: frames somewhat too large get our sentence, absurd ones no memory."""
    return {"max_pixels": str(4 * settings.max_pixels)}


def video_stream(container: Any) -> Any | None:
    """The first video stream that is not a cover picture."""
    import av

    cover = av.stream.Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & cover), None)


def packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets of one stream up to the end or the tear. Empty ones would tell the decoder that the stream is over."""
    import av

    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, av.error.FFmpegError, *LIBRARY_ERRORS):
            return
        if packet.size > 0:
            yield packet


def container_name(path: Path, container: Any) -> str:
    """What people call that kind of file; libav has one name for MOV and MP4, and one for WebM and Matroska."""
    kind = container.format.name.split(",")[0]
    if kind == "mov":
        return "MOV" if container.metadata.get("major_brand", "qt").strip() == "qt" else "MP4"
    if kind == "matroska":
        with path.open("rb") as file:
            return "WebM" if b"webm" in file.read(64) else "Matroska"
    return CONTAINER_NAMES.get(kind, kind.upper())
