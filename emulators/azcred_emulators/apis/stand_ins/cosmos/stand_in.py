"""Cosmos DB's stand-in: the account, its databases and containers, and their items."""

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from azcred_emulators.apis.stand_in import Answer, ReceivedRequest, StandIn, answers
from azcred_emulators.apis.stand_ins.cosmos import queries
from azcred_emulators.apis.stand_ins.cosmos.data import HOSTS, PARTITION_KEY, QUERY_PLAN, RANGES, account

_DOCUMENTS = "/dbs/<database>/colls/<container>/docs"
Item = Mapping[str, Any]


class Cosmos(StandIn):
    """An account. `items` are lists of items by "database/container", `containers` the paths of partition keys."""

    hosts: ClassVar[tuple[str, ...]] = HOSTS
    contents: ClassVar[Mapping[str, type[Any]]] = {"items": dict, "containers": dict}
    forgiving: ClassVar[bool] = True

    def fill(self, **content: Any) -> None:
        """Add containers and items; raises ValueError for an item without an id, or without its partition key."""
        super().fill(**{name: {} for name in content})
        for name, path in content.get("containers", {}).items():
            self._add_container(name, str(path))
        for name, items in content.get("items", {}).items():
            self._add_container(name, self.content["containers"].get(name, PARTITION_KEY))
            for item in items:
                if not isinstance(item, Mapping) or not isinstance(item.get("id"), str):
                    raise ValueError(f"an item of {name} is a table with an id that is text, not {item!r}")
                self._keep(name, item)

    def _add_container(self, name: str, path: str) -> None:
        if name.count("/") != 1 or not path.startswith("/"):
            raise ValueError(
                f"a container is named 'database/container', its partition key '/path'; not {name!r}, {path!r}"
            )
        self.put("containers", name, path)
        if name not in self.content["items"]:
            self.put("items", name, [])

    @answers("GET", "/")
    def read_account(self, request: ReceivedRequest) -> object:
        """Return the account with its regions."""
        return account(self.url, self.host.partition(".")[0])

    @answers("GET", "/dbs/<database>")
    def read_database(self, request: ReceivedRequest) -> object:
        """Return a database."""
        names = {name.partition("/")[0] for name in self.content["containers"]}
        database = request.parameters["database"]
        found = next((name for name in sorted(names) if database in (name, self._rids(f"{name}/")[0])), None)
        if found is None:
            return self._not_found(f"the database {database}")
        rid = self._rids(f"{found}/")[0]
        return {"id": found, "_rid": rid, "_self": f"dbs/{rid}/", "_etag": '"1"', "_colls": "colls/", "_ts": self._now}

    @answers("GET", "/dbs/<database>/colls/<container>")
    def read_container(self, request: ReceivedRequest) -> object:
        """Return a container with the path of its partition key."""
        name = self._container(request)
        if name is None:
            return self._not_found(f"the container {request.path}")
        database, rid = self._rids(name)
        return {
            "id": name.partition("/")[2],
            "_rid": rid,
            "_self": f"dbs/{database}/colls/{rid}/",
            "_etag": '"1"',
            "_ts": self._now,
            "partitionKey": {"paths": [self.content["containers"][name]], "kind": "Hash", "version": 2},
            "indexingPolicy": {"indexingMode": "consistent", "automatic": True},
        }

    @answers("GET", "/dbs/<database>/colls/<container>/pkranges")
    def read_ranges(self, request: ReceivedRequest) -> object:
        """Return the ranges of partition keys: one for all."""
        name = self._container(request)
        if name is None:
            return self._not_found(f"the container {request.path}")
        if request.headers.get("If-None-Match"):
            return Answer(304, headers={"ETag": '"1"'})
        body = {"_rid": self._rids(name)[1], "PartitionKeyRanges": list(RANGES), "_count": len(RANGES)}
        return Answer(json=body, headers={"ETag": '"1"'})

    @answers("POST", _DOCUMENTS)
    def create_or_query(self, request: ReceivedRequest) -> object:
        """Create an item, or run a query."""
        name = self._container(request)
        if name is None:
            return self._not_found(f"the container {request.path}")
        if _says(request, "x-ms-cosmos-is-query-plan-request"):
            return QUERY_PLAN
        if _says(request, "x-ms-documentdb-isquery") or "query+json" in request.headers.get("Content-Type", ""):
            return self._query(request, name)
        item = request.json
        before = self._find(name, item["id"], self._key(name, item))
        if before and not _says(request, "x-ms-documentdb-is-upsert"):
            return Answer(409, json={"code": "Conflict", "message": f"An item with the id {item['id']} exists."})
        return self._answer(self._keep(name, item), 200 if before else 201)

    @answers("GET", _DOCUMENTS)
    def list_items(self, request: ReceivedRequest) -> object:
        """List the items of a container."""
        name = self._container(request)
        return self._not_found(request.path) if name is None else self._page(name, self._items(request, name))

    @answers("GET", f"{_DOCUMENTS}/<id>")
    def read_item(self, request: ReceivedRequest) -> object:
        """Return an item."""
        _, item = self._named(request)
        return self._not_found(f"the item {request.parameters['id']}") if item is None else self._answer(item)

    @answers("PUT", f"{_DOCUMENTS}/<id>")
    def replace_item(self, request: ReceivedRequest) -> object:
        """Replace an item, if it is as the client expects it."""
        name, item = self._named(request)
        if item is None:
            return self._not_found(f"the item {request.parameters['id']}")
        if request.headers.get("If-Match", item["_etag"]) not in (item["_etag"], "*"):
            return Answer(412, json={"code": "PreconditionFailed", "message": "The item has changed."})
        return self._answer(self._keep(name, request.json))

    @answers("DELETE", f"{_DOCUMENTS}/<id>")
    def delete_item(self, request: ReceivedRequest) -> object:
        """Delete an item."""
        name, item = self._named(request)
        if item is None:
            return self._not_found(f"the item {request.parameters['id']}")
        self.put("items", name, [each for each in self.content["items"][name] if each is not item])
        return Answer(204)

    @property
    def _now(self) -> int:
        return int(self.clock.now())

    def _query(self, request: ReceivedRequest, name: str) -> Answer:
        asked = request.json
        try:
            found = queries.run(asked["query"], asked.get("parameters") or (), self._items(request, name))
        except ValueError as error:
            message = f"{error}; resource.answer('POST', {request.path!r}, ...) sets what it is answered"
            return Answer(400, json={"code": "BadRequest", "message": message})
        return self._page(name, found)

    def _page(self, name: str, items: Sequence[Any]) -> Answer:
        body = {"_rid": self._rids(name)[1], "Documents": list(items), "_count": len(items)}
        headers = {"x-ms-item-count": str(len(items)), "x-ms-request-charge": "1", "x-ms-session-token": "0:-1#1"}
        return Answer(json=body, headers=headers)

    def _items(self, request: ReceivedRequest, name: str) -> Sequence[Item]:
        """Return the items in the partition that a request names, all if it names none."""
        items: Sequence[Item] = self.content["items"][name]
        key = json.loads(request.headers.get("x-ms-documentdb-partitionkey", "[]"))
        return [item for item in items if self._key(name, item) == key[0]] if key else items

    def _answer(self, item: Item, status: int = 200) -> Answer:
        headers = {"ETag": str(item["_etag"]), "x-ms-request-charge": "1", "x-ms-session-token": "0:-1#1"}
        return Answer(status, json=item, headers=headers)

    def _keep(self, name: str, item: Item) -> Item:
        """Keep an item in the place of the one with its id and partition key, if there is one."""
        key = self._key(name, item)
        rid = base64.b64encode(base64.b64decode(self._rids(name)[1]) + uuid.uuid4().bytes[:8]).decode()
        kept = {**item, "_rid": rid, "_self": f"dbs/docs/{rid}/", "_etag": f'"{uuid.uuid4()}"', "_ts": self._now}
        before = self._find(name, item["id"], key)
        self.put("items", name, [*(each for each in self.content["items"][name] if each is not before), kept])
        return kept

    def _key(self, name: str, item: Item) -> Any:
        value: Any = item
        for part in self.content["containers"][name].strip("/").split("/"):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    def _find(self, name: str, identifier: str, key: object) -> Item | None:
        items = self.content["items"][name]
        return next((each for each in items if each["id"] == identifier and self._key(name, each) == key), None)

    def _named(self, request: ReceivedRequest) -> tuple[str, Item | None]:
        name = self._container(request)
        if name is None:
            return "", None
        key = json.loads(request.headers.get("x-ms-documentdb-partitionkey", "[]"))
        return name, self._find(name, request.parameters["id"], key[0] if key else None)

    def _container(self, request: ReceivedRequest) -> str | None:
        """Return the container of a request, which names it by its names or by its resource ids."""
        asked = (request.parameters["database"], request.parameters["container"])
        return next(
            (name for name in self.content["containers"] if asked in (tuple(name.split("/")), self._rids(name))), None
        )

    def _rids(self, name: str) -> tuple[str, str]:
        """Return the resource ids of a database and of a container: 4 and 8 bytes (the fifth has its highest bit)."""
        database, _, container = name.partition("/")
        first = uuid.uuid5(uuid.NAMESPACE_DNS, database).bytes[:3] + b"\x00"
        second = uuid.uuid5(uuid.NAMESPACE_DNS, container).bytes[:4]
        both = first + bytes([second[0] | 0x80]) + second[1:3] + b"\x00"
        return base64.b64encode(first).decode().replace("/", "-"), base64.b64encode(both).decode().replace("/", "-")

    def _not_found(self, what: str) -> Answer:
        message = f"There is not {what}: fill(items={{'database/container': [...]}}) makes it."
        return Answer(404, json={"code": "NotFound", "message": message}, headers={"x-ms-substatus": "0"})


def _says(request: ReceivedRequest, header: str) -> bool:
    return request.headers.get(header, "").lower() == "true"
