"""The codec endpoint: Temporal's UI and command show an operator what is encrypted there.

Temporal's UI can send nothing of ours along, so the address itself is the permission: it holds a
tag that only the installation's secret makes. `parker config codec` prints it. Whoever can read
the address can read the payloads; they hold ids and amounts, never people.
"""

import hmac

from fastapi import APIRouter, HTTPException, Request, Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads

from api.dependencies import ServicesDep
from runtime.codec_address import CODEC_PATH, codec_tag
from runtime.crypto import DecryptionFailed, EncryptionCodec

router = APIRouter(prefix=CODEC_PATH, include_in_schema=False)
# Any origin: the UI may be opened under several names, and no cookie opens anything here.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type, x-namespace, authorization",
}


@router.options("/{tag}/decode")
async def preflight(tag: str) -> Response:
    del tag  # asking beforehand tells nothing
    return Response(status_code=204, headers=_CORS)


@router.post("/{tag}/decode")
async def decode(tag: str, request: Request, services: ServicesDep) -> Response:
    """Decrypt protobuf-JSON payloads for an operator."""
    secret = services.settings.hmac_secret.get_secret_value()
    if not hmac.compare_digest(tag, codec_tag(secret)):
        raise HTTPException(404)
    try:
        payloads = json_format.Parse(await request.body(), Payloads())
    except json_format.ParseError:
        raise HTTPException(400, "not a Payloads message") from None
    try:
        decoded = await EncryptionCodec(services.settings.keys).decode(list(payloads.payloads))
    except DecryptionFailed:
        raise HTTPException(400, "a payload does not open with our keys") from None
    return Response(
        json_format.MessageToJson(Payloads(payloads=decoded)),
        media_type="application/json",
        headers=_CORS,
    )
