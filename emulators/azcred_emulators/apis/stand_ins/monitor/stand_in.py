"""Azure Monitor's stand-ins: they keep what they are sent."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.monitor.data import APPLICATION_INSIGHTS_HOSTS, INGESTION_HOSTS, STREAM


class LogsIngestion(StandIn):
    """An endpoint for the ingestion of logs. `logs` are the lists of what was uploaded, by stream."""

    hosts: ClassVar[tuple[str, ...]] = INGESTION_HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"logs": dict}
    forgiving: ClassVar[bool] = True

    @answers("POST", STREAM)
    def upload(self, request: ReceivedRequest) -> object:
        """Take logs."""
        stream = request.parameters["stream"]
        self.put("logs", stream, [*self.content["logs"].get(stream, []), *request.json])
        return Answer(204)


class ApplicationInsights(StandIn):
    """An endpoint for telemetry. `telemetry` is the list of all envelopes that were sent."""

    hosts: ClassVar[tuple[str, ...]] = APPLICATION_INSIGHTS_HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"telemetry": list}
    forgiving: ClassVar[bool] = True

    @answers("POST", "/<version>/track")
    def track(self, request: ReceivedRequest) -> object:
        """Take envelopes: a list, or one on each line."""
        try:
            envelopes = request.json
        except ValueError:
            envelopes = [json.loads(line) for line in request.text.splitlines() if line.strip()]
        envelopes = envelopes if isinstance(envelopes, list) else [envelopes]
        self.append("telemetry", *envelopes)
        return {"itemsReceived": len(envelopes), "itemsAccepted": len(envelopes), "errors": []}
