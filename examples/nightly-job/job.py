"""A job that reports the stock to an API every hour, all day long."""

import requests
from azure.identity import DefaultAzureCredential

API = "https://stock.contoso.com"


class Job:
    def __init__(self):
        self.credential = DefaultAzureCredential()
        self.reported = 0

    def report(self, stock):
        token = self.credential.get_token("api://stock/.default").token
        headers = {"Authorization": f"Bearer {token}"}
        requests.post(f"{API}/reports", json={"stock": stock}, headers=headers, timeout=10).raise_for_status()
        self.reported += 1

    def close(self):
        self.credential.close()
