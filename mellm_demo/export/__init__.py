"""An analysis and the chat about it → JSON, CSV and a zip of pictures. Data in, text or bytes out.

Knows nothing of files, folders or the page: the caller decides where the bytes go. Measures and concludes nothing.

The JSON follows ``AnalysisDocument``; ``json_schema()`` is its JSON Schema. It is strict JSON (a number that could not
be computed is ``null``), holds no pixels, no folder names and no secrets, and its ``schema_version`` rises in the first
figure where a key is renamed or removed, in the second where one is added.
"""

from mellm_demo.export.csv_curve import to_csv
from mellm_demo.export.json_document import document, to_json
from mellm_demo.export.schema import SCHEMA_VERSION, AnalysisDocument, json_schema
from mellm_demo.export.zip_pictures import png_bytes, to_zip

__all__ = [
    "SCHEMA_VERSION",
    "AnalysisDocument",
    "document",
    "json_schema",
    "png_bytes",
    "to_csv",
    "to_json",
    "to_zip",
]
