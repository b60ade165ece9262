"""Duffel's API, call by call, in Duffel's words. Knows addresses and headers, not meanings.

https://duffel.com/docs/api
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from providers.duffel.errors import report_missing_rows
from providers.http import HttpClient, Reply

# Duffel allows 2 to 60 seconds here and ignores anything else.
SUPPLIER_TIMEOUT_SECONDS = (2, 60)
# What Duffel needs to hand over the offers once it has stopped waiting for airlines.
_SUPPLIER_MARGIN_SECONDS = 10
_LARGEST_PAGE = "200"


@dataclass(frozen=True)
class Timeouts:
    """How long to wait for an answer. Duffel asks for 130 s where an airline has to act."""

    search_seconds: float = 30
    read_seconds: float = 30
    order_seconds: float = 130
    cancellation_seconds: float = 130


class DuffelClient:
    def __init__(self, http: HttpClient, token: str, *, timeouts: Timeouts | None = None) -> None:
        self.http = http
        self._timeouts = timeouts or Timeouts()
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Duffel-Version": "v2",
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    async def create_offer_request(
        self, data: Mapping[str, object], *, supplier_timeout_seconds: int
    ) -> Reply:
        low, high = SUPPLIER_TIMEOUT_SECONDS
        supplier = min(max(supplier_timeout_seconds, low), high)
        return await self._post(
            "create_offer_request",
            "/air/offer_requests",
            data,
            params={"return_offers": "true", "supplier_timeout": str(supplier * 1000)},
            read_seconds=max(self._timeouts.search_seconds, supplier + _SUPPLIER_MARGIN_SECONDS),
        )

    async def get_offer(self, offer_id: str) -> Reply:
        return await self._get(
            "get_offer", f"/air/offers/{_part(offer_id)}", {"return_available_services": "true"}
        )

    async def create_order(self, data: Mapping[str, object]) -> Reply:
        return await self._post(
            "create_order",
            "/air/orders",
            data,
            read_seconds=self._timeouts.order_seconds,
            fresh_connection=True,
        )

    async def list_orders(self, *, offer_id: str, after: str | None = None) -> Reply:
        params = {"offer_id": offer_id, "limit": _LARGEST_PAGE}
        if after:
            params["after"] = after
        return await self._get("list_orders", "/air/orders", params)

    async def list_orders_since(self, since: datetime, *, after: str | None = None) -> Reply:
        params = {"created_at[after]": since.isoformat(), "limit": _LARGEST_PAGE}
        if after:
            params["after"] = after
        return await self._get("list_orders", "/air/orders", params)

    async def get_order(self, order_id: str) -> Reply:
        return await self._get("get_order", f"/air/orders/{_part(order_id)}")

    async def create_order_cancellation(self, order_id: str) -> Reply:
        return await self._post(
            "create_order_cancellation",
            "/air/order_cancellations",
            {"order_id": order_id},
            read_seconds=self._timeouts.cancellation_seconds,
        )

    async def confirm_order_cancellation(self, cancellation_id: str) -> Reply:
        return await self._post(
            "confirm_order_cancellation",
            f"/air/order_cancellations/{_part(cancellation_id)}/actions/confirm",
            None,
            read_seconds=self._timeouts.cancellation_seconds,
            fresh_connection=True,
        )

    async def get_order_cancellation(self, cancellation_id: str) -> Reply:
        return await self._get(
            "get_order_cancellation", f"/air/order_cancellations/{_part(cancellation_id)}"
        )

    async def list_order_cancellations(self, *, order_id: str) -> Reply:
        return await self._get(
            "list_order_cancellations", "/air/order_cancellations", {"order_id": order_id}
        )

    async def accept_airline_initiated_change(self, change_id: str) -> Reply:
        return await self._post(
            "accept_airline_initiated_change",
            f"/air/airline_initiated_changes/{_part(change_id)}/actions/accept",
            None,
            read_seconds=self._timeouts.cancellation_seconds,
            fresh_connection=True,
        )

    async def _get(
        self, operation: str, path: str, params: Mapping[str, str] | None = None
    ) -> Reply:
        reply = await self.http.request(
            "GET",
            path,
            operation=operation,
            params=params,
            headers=self._headers,
            read_seconds=self._timeouts.read_seconds,
        )
        report_missing_rows(reply, operation)
        return reply

    async def _post(
        self,
        operation: str,
        path: str,
        data: Mapping[str, object] | None,
        *,
        read_seconds: float,
        params: Mapping[str, str] | None = None,
        fresh_connection: bool = False,
    ) -> Reply:
        reply = await self.http.request(
            "POST",
            path,
            operation=operation,
            params=params,
            body=None if data is None else {"data": data},
            headers=self._headers,
            read_seconds=read_seconds,
            fresh_connection=fresh_connection,
        )
        report_missing_rows(reply, operation)
        return reply


def _part(identifier: str) -> str:
    return quote(identifier, safe="")
