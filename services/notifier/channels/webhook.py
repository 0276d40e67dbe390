"""The webhook channel: signs each call, follows no redirect, and calls only public or allowed addresses.

Source: the Standard Webhooks specification 1.0 (webhook-id, webhook-timestamp, webhook-signature).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

from notifier.domain.alert_evidence import AlertEvidence, Attempt
from notifier.domain.alerts import Recipient
from notifier.domain.delivery_policy import AttemptResult, DeliveryReason

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
EVENT_TYPE: Final = "id.jakpreneur.milestone.crossed.v1"
RETRY_AFTER_S_MAX: Final = 3600.0
"""A longer delay is shortened to this, so that it can be stored and no receiver stops its alerts for days."""


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """The URL of a webhook and the secret that signs its calls (`whsec_…`)."""

    url: str
    secret: str


async def resolve_host(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host, without repeats, in the order in which they should be tried."""
    infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


class WebhookSender:
    """Calls webhooks.

    The signature covers the attempt's start time, so that a receiver can reject an old call that is replayed.
    """

    def __init__(
        self,
        endpoints: Mapping[str, WebhookEndpoint],
        *,
        timeout_s: float,
        allowed_networks: Sequence[Network] = (),
        resolve: Callable[[str, int], Awaitable[list[str]]] = resolve_host,
    ) -> None:  # `resolve` returns the IP addresses of a host and port
        self._endpoints = endpoints
        self.send_s_max = timeout_s
        self._allowed = allowed_networks
        self._resolve = resolve
        # Created once, because creating a TLS context reads the certificates of all authorities.
        self._tls = httpx.create_ssl_context(trust_env=False)

    async def send(self, attempt: Attempt, recipient: Recipient) -> AttemptResult:
        """Call the webhook with the one alert of this message. See `delivery_queue.Sender`."""
        assert len(attempt.alerts) == 1, "a webhook call has one alert"
        endpoint = self._endpoints.get(recipient.endpoint or "")
        if endpoint is None:
            return AttemptResult(DeliveryReason.NOT_CONFIGURED)
        alert = attempt.alerts[0]
        try:
            async with asyncio.timeout(self.send_s_max):
                addresses = await self._checked_addresses(endpoint.url)
                if not addresses:
                    return AttemptResult(DeliveryReason.ADDRESS_REFUSED)
                return await self._call_first_reachable(endpoint, addresses, alert, attempt.began_at)
        except (TimeoutError, httpx.TimeoutException):
            return AttemptResult(DeliveryReason.TIMED_OUT)
        except (httpx.HTTPError, OSError) as error:
            return AttemptResult(DeliveryReason.UNREACHABLE, {"error": type(error).__name__})

    async def _checked_addresses(self, url: str) -> list[str]:
        """Return the IP addresses of the URL's host; none if any address of the host must not be called.

        The caller must connect to one of these addresses. If the caller resolved the host name again, the
        second result could be an address that was not checked.
        """
        parsed = httpx.URL(url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        addresses = await self._resolve(parsed.host, port)
        return (
            addresses if all(self._may_call(ipaddress.ip_address(address)) for address in addresses) else []
        )

    def _may_call(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return (mapped.is_global and not mapped.is_multicast) or any(mapped in net for net in self._allowed)

    async def _call_first_reachable(
        self, endpoint: WebhookEndpoint, addresses: Sequence[str], alert: AlertEvidence, began_at: datetime
    ) -> AttemptResult:
        """Call the first address that accepts a connection. Each may take an equal share of the time-out."""
        connect_s = self.send_s_max / len(addresses)
        for address in addresses[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):  # nothing was sent yet
                return await self._call(endpoint, address, alert, began_at, connect_s)
        return await self._call(endpoint, addresses[-1], alert, began_at, connect_s)

    async def _call(
        self,
        endpoint: WebhookEndpoint,
        address: str,
        alert: AlertEvidence,
        began_at: datetime,
        connect_s: float,
    ) -> AttemptResult:  # what is sent, to which address, and the time for the connection
        url = httpx.URL(endpoint.url)
        body = json.dumps(payload(alert), separators=(",", ":"))
        signature = Webhook(endpoint.secret).sign(str(alert.id), began_at, body)
        headers = {
            "content-type": "application/json",
            "user-agent": "jakpreneur-notifier",
            "webhook-id": str(alert.id),
            "webhook-timestamp": str(int(began_at.timestamp())),
            "webhook-signature": signature,
            "host": url.netloc.decode(),
        }
        # trust_env is False, because a proxy from the environment would bypass the check of the address.
        async with (
            httpx.AsyncClient(
                timeout=httpx.Timeout(self.send_s_max, connect=connect_s),
                verify=self._tls,
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=body.encode(),
                headers=headers,
                extensions={"sni_hostname": url.host},
            ) as response,
        ):
            # The response's body is not read. It is not needed, and a slow receiver could delay the attempt.
            return _result(response, began_at)


def _result(response: httpx.Response, began_at: datetime) -> AttemptResult:
    status = response.status_code
    receipt: dict[str, Any] = {"status": status}
    if 200 <= status < 300:
        return AttemptResult(DeliveryReason.ACCEPTED, receipt)
    if 300 <= status < 400:
        return AttemptResult(DeliveryReason.REDIRECTED, receipt)
    if status == 410:
        return AttemptResult(DeliveryReason.GONE, receipt)
    wait_s = _retry_after_s(response.headers.get("retry-after"), began_at)
    if status in (429, 503) and wait_s is not None:
        return AttemptResult(DeliveryReason.ASKED_TO_WAIT, receipt | {"retry_after_s": wait_s}, wait_s)
    return AttemptResult(DeliveryReason.ERROR_ANSWERED, receipt)


def payload(alert: AlertEvidence) -> dict[str, Any]:
    """Return the body of a call: type, timestamp and data, as in Standard Webhooks.

    The body is the same at every attempt.
    """
    return {
        "type": EVENT_TYPE,
        "timestamp": _utc(alert.crossed_at),
        "data": {
            "alert_id": str(alert.id),
            "crossing_id": str(alert.crossing_id),
            "scope": alert.scope,
            "region": alert.region,
            "rule": alert.rule,
            "measure": alert.measure,
            "threshold": alert.threshold,
            "epoch": alert.epoch,
            "value": alert.value,
            "count": alert.count,
            "percent": alert.percent,
            "target": alert.target,
            "cut": alert.cut,
            "as_of": _utc(alert.as_of),
            "crossed_at": _utc(alert.crossed_at),
        },
    }


def _utc(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _retry_after_s(value: str | None, now: datetime) -> float | None:
    """Return the delay in a Retry-After header, in seconds; None if the header is absent or malformed.

    The result is at most RETRY_AFTER_S_MAX. The header has either a number of seconds or a date (RFC 9110,
    10.2.3).
    """
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return min(float(value), RETRY_AFTER_S_MAX)
    try:
        time = parsedate_to_datetime(value)
    except ValueError:
        return None
    delay_s = (time.replace(tzinfo=time.tzinfo or UTC) - now).total_seconds()
    return min(max(delay_s, 0.0), RETRY_AFTER_S_MAX)
