"""What a worker tells Prometheus: Temporal's own figures, and how long bookings take."""

from datetime import timedelta

from temporalio import activity
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from runtime.settings import Settings

BOOKING_SECONDS = "parker_booking_seconds"
# The target is 30 s. One order alone may take two minutes, and an unknown one longer.
_BUCKETS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 90, 120, 300)


def metrics_runtime(settings: Settings) -> Runtime | None:
    """Serve this process's figures on the port that is set; None without one.

    Raises:
        ValueError: the port is taken.
    """
    if settings.worker_metrics_port is None:
        return None
    address = f"{settings.worker_metrics_host}:{settings.worker_metrics_port}"
    prometheus = PrometheusConfig(
        bind_address=address,
        durations_as_seconds=True,
        histogram_bucket_overrides={BOOKING_SECONDS: _BUCKETS},
    )
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus, attach_service_name=False))


def count_booking(took: timedelta) -> None:
    """Count a booking, from inside the activity that confirmed it."""
    activity.metric_meter().create_histogram_timedelta(
        BOOKING_SECONDS, "From the decision to book to the money taken, without the bank's waits"
    ).record(took)
