"""Words about files."""

from reconciler.books.file_kinds import MediaType

KINDS = {
    MediaType.PDF: "PDF",
    MediaType.PNG: "PNG picture",
    MediaType.JPEG: "JPEG picture",
    MediaType.EML: "Mail",
}


def size(count: int) -> str:
    """`812 bytes`, `14 KB`, `2.3 MB`: how large a file is."""
    if count < 1_000:
        return f"{count} byte{'' if count == 1 else 's'}"
    if count < 1_000_000:
        return f"{count // 1_000} KB"
    return f"{count // 1_000_000}.{count % 1_000_000 // 100_000} MB"
