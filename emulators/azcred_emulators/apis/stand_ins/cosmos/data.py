"""How Cosmos DB names and describes things.

Source: the REST API of Cosmos DB; what azure-cosmos 4.17, .NET's client 3.64 and @azure/cosmos 4 read.
"""

import json
from collections.abc import Mapping
from typing import Any

HOSTS = ("*.documents.azure.com", "*.documents.azure.us", "*.documents.azure.cn")
PARTITION_KEY = "/id"  # the path of a container's partition key unless a test names another
RANGES: tuple[Mapping[str, Any], ...] = (
    {"id": "0", "_rid": "7gMIAJvJxwACAAAAAAAAUA==", "minInclusive": "", "maxExclusive": "FF", "status": "online"},
)
QUERY_ENGINE: Mapping[str, Any] = {  # the client of .NET makes no query without one
    "maxSqlQueryInputLength": 262144,
    "maxJoinsPerSqlQuery": 5,
    "maxLogicalAndPerSqlQuery": 500,
    "maxLogicalOrPerSqlQuery": 500,
    "maxUdfRefPerSqlQuery": 10,
    "maxInExpressionItemsCount": 16000,
    "queryMaxInMemorySortDocumentCount": 500,
    "maxQueryRequestTimeoutFraction": 0.9,
    "sqlAllowNonFiniteNumbers": False,
    "sqlAllowAggregateFunctions": True,
    "sqlAllowSubQuery": True,
    "sqlAllowScalarSubQuery": True,
    "allowNewKeywords": True,
    "sqlAllowLike": True,
    "sqlAllowGroupByClause": True,
    "maxSpatialQueryCells": 12,
    "spatialMaxGeometryPointCount": 256,
    "sqlDisableOptimizationFlags": 0,
    "sqlAllowTop": True,
    "enableSpatialIndexing": True,
}
QUERY_PLAN: Mapping[str, Any] = {
    "partitionedQueryExecutionInfoVersion": 2,
    "queryInfo": {
        "distinctType": "None",
        "orderBy": [],
        "orderByExpressions": [],
        "groupByExpressions": [],
        "groupByAliases": [],
        "aggregates": [],
        "groupByAliasToAggregateType": {},
        "rewrittenQuery": "",
        "hasSelectValue": False,
        "hasNonStreamingOrderBy": False,
    },
    "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
}


def account(url: str, name: str) -> Mapping[str, Any]:
    """Return the document of an account, whose only region is the account's own name."""
    region = {"name": "West Europe", "databaseAccountEndpoint": f"{url}:443/"}
    return {
        "id": name,
        "_rid": f"{name}.sql.cosmos.azure.com",
        "_self": "",
        "_dbs": "//dbs/",
        "_addresses": "//addresses/",
        "media": "//media/",
        "writableLocations": [region],
        "readableLocations": [region],
        "enableMultipleWriteLocations": False,
        "userReplicationPolicy": {"asyncReplication": False, "minReplicaSetSize": 3, "maxReplicasetSize": 4},
        "userConsistencyPolicy": {"defaultConsistencyLevel": "Session"},
        "systemReplicationPolicy": {"minReplicaSetSize": 3, "maxReplicasetSize": 4},
        "readPolicy": {"primaryReadCoefficient": 1, "secondaryReadCoefficient": 1},
        "queryEngineConfiguration": json.dumps(QUERY_ENGINE),
    }
