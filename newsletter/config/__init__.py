"""`newsletter.toml`: read once, validated whole, then a frozen value that everything else is given.

Secrets are never values here, only names: `secret()` looks a name up where the machine keeps it.
"""

from newsletter.config.reading import FILE_NAME, as_written, read_config
from newsletter.config.secrets import revealed, secret
from newsletter.config.sections import (
    Config,
    DeliveryConfig,
    HookConfig,
    LookConfig,
    NotifyConfig,
    ProviderConfig,
    ScheduleConfig,
)
from newsletter.config.values import PROVIDER_POINTS

__all__ = [
    "FILE_NAME",
    "PROVIDER_POINTS",
    "Config",
    "DeliveryConfig",
    "HookConfig",
    "LookConfig",
    "NotifyConfig",
    "ProviderConfig",
    "ScheduleConfig",
    "as_written",
    "read_config",
    "revealed",
    "secret",
]
