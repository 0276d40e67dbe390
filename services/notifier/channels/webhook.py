"""Calls a webhook after Standard Webhooks: signed, following no redirect, never into a private network.

Source: the Standard Webhooks specification 1.0 (webhook-id, webhook-timestamp, webhook-signature).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from standardwebhooks import Webhook

from notifier.domain.alerts import Recipient
from notifier.domain.delivery_policy import Reason, Result
from notifier.store.messages import Attempt, Told

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
EVENT_TYPE: Final = "id.jakpreneur.milestone.crossed.v1"


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where a webhook is, and its secret (`whsec_…`)."""

    url: str
    secret: str


class WebhookSender:
    """The webhook channel. A call is signed with the time its attempt began, for its receiver to check."""

    def __init__(
        self,
        hooks: Mapping[str, WebhookEndpoint],
        *,
        timeout_s: float,
        allowed_networks: Sequence[Network] = (),
    ) -> None:
        self._hooks = hooks
        self._timeout_s = timeout_s
        self._allowed = allowed_networks
        # Once: it reads every authority's certificate.
        self._tls = httpx.create_ssl_context(trust_env=False)

    async def send(self, attempt: Attempt, recipient: Recipient) -> Result:
        """Call the webhook with the one alert of this message. See `notifier.delivery.sender.Sender`."""
        assert len(attempt.alerts) == 1, "a webhook call carries one alert"
        hook = self._hooks.get(recipient.id.removeprefix("webhook:"))
        if hook is None:
            return Result(Reason.NOT_CONFIGURED)
        alert = attempt.alerts[0]
        try:
            async with asyncio.timeout(self._timeout_s):
                address = await self._address(hook.url)
                if address is None:
                    return Result(Reason.ADDRESS_REFUSED)
                return await self._call(hook, address, alert, attempt.began_at)
        except (TimeoutError, httpx.TimeoutException):
            return Result(Reason.TIMED_OUT)
        except (httpx.HTTPError, OSError) as error:
            return Result(Reason.UNREACHABLE, {"error": type(error).__name__})

    async def _address(self, url: str) -> str | None:
        """An address of the host that may be called, or None where its name leads to one that may not.

        The call then goes to this very address: a name that resolves otherwise a moment later gains nothing.
        """
        parsed = httpx.URL(url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(parsed.host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(entry[4][0]) for entry in found]
        return str(addresses[0]) if addresses and all(map(self._may_call, addresses)) else None

    def _may_call(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        mapped = getattr(address, "ipv4_mapped", None) or address
        return (mapped.is_global and not mapped.is_multicast) or any(mapped in net for net in self._allowed)

    async def _call(self, hook: WebhookEndpoint, address: str, alert: Told, moment: datetime) -> Result:
        url = httpx.URL(hook.url)
        body = json.dumps(payload(alert), separators=(",", ":"))
        signature = Webhook(hook.secret).sign(str(alert.id), moment, body)
        headers = {
            "content-type": "application/json",
            "user-agent": "jakpreneur-notifier",
            "webhook-id": str(alert.id),
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": signature,
            "host": url.netloc.decode(),
        }
        # trust_env off: a proxy of the environment would undo the check of the address.
        async with (
            httpx.AsyncClient(
                timeout=self._timeout_s, verify=self._tls, follow_redirects=False, trust_env=False
            ) as client,
            client.stream(
                "POST",
                url.copy_with(host=address),
                content=body.encode(),
                headers=headers,
                extensions={"sni_hostname": url.host},
            ) as response,
        ):
            # The body says nothing we act on; reading it would let a receiver keep us.
            return _judge(response, moment)


def _judge(response: httpx.Response, moment: datetime) -> Result:
    status = response.status_code
    receipt: dict[str, Any] = {"status": status}
    if 200 <= status < 300:
        return Result(Reason.ACCEPTED, receipt)
    if 300 <= status < 400:
        return Result(Reason.REDIRECTED, receipt)
    if status == 410:
        return Result(Reason.GONE, receipt)
    wait_s = _retry_after_s(response.headers.get("retry-after"), moment)
    if status in (429, 503) and wait_s is not None:
        return Result(Reason.ASKED_TO_WAIT, receipt | {"retry_after_s": wait_s}, wait_s)
    return Result(Reason.ERROR_ANSWERED, receipt)


def payload(alert: Told) -> dict[str, Any]:
    """The JSON of an alert: type, time and data, as Standard Webhooks proposes. The same at every attempt."""
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


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds of a Retry-After header, in either of its forms (RFC 9110, 10.2.3); None where unreadable."""
    if value is None:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
