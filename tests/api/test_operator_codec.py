"""The codec endpoint opens payloads for who knows its address, and for nobody else."""

from typing import Any

from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from runtime.codec_address import CODEC_PATH, codec_tag
from runtime.crypto import EncryptionCodec


async def test_it_decrypts_for_the_secret_address_only(ana: Any, settings: Any) -> None:
    plain = Payload(metadata={"encoding": b"json/plain"}, data=b'{"campaign_id":"x"}')
    sealed = await EncryptionCodec(settings.keys).encode([plain])
    body = json_format.MessageToJson(Payloads(payloads=sealed))
    tag = codec_tag(settings.hmac_secret.get_secret_value())

    opened = await ana.http.post(f"{CODEC_PATH}/{tag}/decode", content=body)
    assert opened.status_code == 200
    assert opened.headers["access-control-allow-origin"] == "*"
    found = json_format.Parse(opened.text, Payloads())
    assert found.payloads[0].data == plain.data

    assert (await ana.http.post(f"{CODEC_PATH}/wrong/decode", content=body)).status_code == 404
    garbled = await ana.http.post(f"{CODEC_PATH}/{tag}/decode", content="{nonsense")
    assert garbled.status_code == 400
    broken = Payloads(payloads=[Payload(metadata=sealed[0].metadata, data=b"changed")])
    answer = await ana.http.post(
        f"{CODEC_PATH}/{tag}/decode", content=json_format.MessageToJson(broken)
    )
    assert answer.status_code == 400


async def test_the_browser_may_ask(ana: Any) -> None:
    answer = await ana.http.request("OPTIONS", f"{CODEC_PATH}/any/decode")
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "POST"
