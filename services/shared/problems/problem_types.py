"""What each type of problem means, and what the client should do; the board shows it at `/problems`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MEANINGS: Final[Mapping[str, str]] = {
    "duplicate-participant": "The NIK is already registered. Do not register the person again.",
    "forbidden": "The access key is valid, but its role may not do this. Use a key of a higher role.",
    "idempotency-key": "The header Idempotency-Key is malformed. Send 1 to 200 "
    "ASCII characters without blanks.",
    "idempotency-key-reused": "This Idempotency-Key was used for another request. Send a "
    "new key with a new request.",
    "if-match": "The header If-Match is malformed. Send the ETag of one response.",
    "import-not-found": "There is no import with this id.",
    "import-undone": "The import has been undone and cannot be continued.",
    "internal": "The service has failed. Repeat the request; the operators see the failure in the log.",
    "invalid": "Fields or parameters are not valid. `errors` names each of them.",
    "merge-target-not-found": "There is no participant to merge into.",
    "merge-target-not-registered": "The participant to merge into has withdrawn or was merged itself.",
    "merge-with-itself": "A participant cannot be merged into itself.",
    "method-not-allowed": "The path exists, but not with this method. The header Allow lists the methods.",
    "not-found": "There is nothing at this path.",
    "not-given-up": "The message is being sent, or has arrived. Only messages "
    "that were given up can be changed.",
    "not-json": "The body is not JSON.",
    "not-ready": "The board has no counts yet. Repeat the request after Retry-After.",
    "nothing-corrected": "The correction changes nothing.",
    "outcome-unknown": "It is unknown whether the request was stored. Repeat it "
    "with the same Idempotency-Key.",
    "overloaded": "The register is busy. Repeat the request with the same Idempotency-Key after Retry-After.",
    "participant-merged": "The participant was merged into another. Change the other one.",
    "participant-not-found": "There is no participant with this id or NIK.",
    "participant-withdrawn": "The participant has withdrawn.",
    "region-unchanged": "The participant is counted in this region already.",
    "revision-stale": "The participant has changed since the revision in If-Match. Read it again.",
    "scope-exists": "The id of the campaign or agency is taken under another name.",
    "step-already-completed": "The step is completed already.",
    "too-large": "The body or the file is too large.",
    "too-many-requests": "Too many attempts without an access key. Wait for Retry-After.",
    "too-many-viewers": "The board has no place for another stream. Repeat the request after Retry-After.",
    "unauthorized": "The access key is missing or not valid.",
    "unavailable": "The database cannot be reached. Repeat the request after Retry-After.",
    "unknown-region": "There is no region with this code.",
    "unknown-scope": "Nobody is counted in this scope yet, and it has no target.",
    "unstorable": "A field has characters that cannot be stored.",
    "unusable-file": "The file of an import cannot be read. `errors` says why.",
    "venue-code-not-found": "There is no such venue code.",
}
"""By the last part of the type's URI."""
