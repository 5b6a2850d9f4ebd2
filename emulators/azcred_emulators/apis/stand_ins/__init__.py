"""Ready-made stand-ins, each in a folder of its own and found by the host name."""

from azcred_emulators.apis.stand_in import StandIn
from azcred_emulators.apis.stand_ins.app_configuration.stand_in import AppConfiguration
from azcred_emulators.apis.stand_ins.container_registry.stand_in import ContainerRegistry
from azcred_emulators.apis.stand_ins.cosmos.stand_in import Cosmos
from azcred_emulators.apis.stand_ins.event_grid.stand_in import EventGrid
from azcred_emulators.apis.stand_ins.key_vault.stand_in import KeyVault
from azcred_emulators.apis.stand_ins.kusto.stand_in import Kusto
from azcred_emulators.apis.stand_ins.monitor.stand_in import ApplicationInsights, LogsIngestion
from azcred_emulators.apis.stand_ins.openai.stand_in import OpenAI

STAND_INS: tuple[type[StandIn], ...] = (
    KeyVault,
    AppConfiguration,
    Cosmos,
    ContainerRegistry,
    Kusto,
    OpenAI,
    EventGrid,
    LogsIngestion,
    ApplicationInsights,
)
