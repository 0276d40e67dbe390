"""Finds out why a client cannot use a broker, and what to do about it."""

from __future__ import annotations

import ssl
from typing import Final

from aiokafka.conn import create_conn
from aiokafka.errors import (
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from kafka.settings import KafkaSettings

ANSWER_MS_MAX: Final = 2_000
# OpenSSL's codes of a certificate's faults, in X509_verify_cert_error_string.
EXPIRED: Final = 10
OTHER_NAME: Final = {62, 64}


async def find_fault(kafka: KafkaSettings) -> str:
    """Connect to the first broker; return one sentence with the fault and one with the remedy.

    The text has no secret. It is empty if the connection succeeds.
    """
    server = kafka.bootstrap_servers.split(",")[0]
    host, _, port = server.rpartition(":")
    options = kafka.client_options()
    del options["bootstrap_servers"]
    try:
        connection = await create_conn(host, int(port), request_timeout_ms=ANSWER_MS_MAX, **options)
    except ssl.SSLCertVerificationError as error:
        return f"{server}: {_certificate_fault(error, kafka, host)}"
    except (KafkaError, OSError, TimeoutError) as error:
        return f"{server}: {_connection_fault(error, kafka)}"
    connection.close()
    return ""


def _certificate_fault(error: ssl.SSLCertVerificationError, kafka: KafkaSettings, host: str) -> str:
    if error.verify_code == EXPIRED:
        return "the certificate of the broker has expired. Renew it and restart the broker"
    if error.verify_code in OTHER_NAME:
        return (
            f"the certificate of the broker is for other names than {host}. Correct KAFKA_BOOTSTRAP_SERVERS"
        )
    authorities = kafka.ssl_ca_file or "the system's authorities"
    return (
        f"the certificate of the broker is not signed by {authorities} ({error.verify_message}). "
        "Set KAFKA_SSL_CA_FILE to the file of its authority"
    )


def _connection_fault(error: Exception, kafka: KafkaSettings) -> str:
    if isinstance(error, SaslAuthenticationFailed):
        return (
            f"the broker refuses the password of the user {kafka.sasl_username}. Correct KAFKA_SASL_USERNAME"
            " and KAFKA_SASL_PASSWORD, or set the password at the broker"
        )
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"the broker does not offer {kafka.sasl_mechanism}. Correct KAFKA_SASL_MECHANISM"
    if isinstance(error, KafkaConnectionError | ssl.SSLError):
        return (
            f"the broker does not speak {kafka.security_protocol} at this port. Correct"
            " KAFKA_SECURITY_PROTOCOL or KAFKA_BOOTSTRAP_SERVERS"
        )
    reason = str(error) or "no answer"
    return f"no broker answers ({reason}). Start it, or correct KAFKA_BOOTSTRAP_SERVERS"
