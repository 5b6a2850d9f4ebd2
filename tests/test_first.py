import time, jwt
from azure.identity import DefaultAzureCredential
import azure.identity.aio as aio, asyncio
import pytest
def who(t): return jwt.decode(t.token, options={"verify_signature":False})
def test_mi(fake_managed_identity, azcred):
    t=DefaultAzureCredential().get_token("https://storage.azure.com/.default")
    print(who(t)); print(fake_managed_identity.requests, fake_managed_identity.statuses)
    for e in azcred.journal.requests(): print(e)
    assert fake_managed_identity.requests[-1].resource == "https://storage.azure.com"
def test_sp(fake_service_principal, azcred):
    t=DefaultAzureCredential().get_token("https://storage.azure.com/.default")
    for e in azcred.journal.requests(): print(e)
    assert who(t)["appid"]==fake_service_principal.identity.client_id
def test_wi(fake_workload_identity, azcred):
    t=DefaultAzureCredential().get_token("https://storage.azure.com/.default")
    for e in azcred.journal.requests(): print(e)
    assert who(t)["appid"]==fake_workload_identity.identity.client_id
def test_clock(fake_managed_identity, azcred):
    c=DefaultAzureCredential(); t=c.get_token("https://storage.azure.com/.default")
    azcred.clock.advance(hours=25)
    t2=c.get_token("https://storage.azure.com/.default")
    assert t2.expires_on - t.expires_on > 86000, (t,t2)
    for e in azcred.journal.requests(): print(e)
def test_nothing(azcred):
    t=time.perf_counter()
    with pytest.raises(Exception) as e: DefaultAzureCredential().get_token("https://storage.azure.com/.default")
    print(e.value, time.perf_counter()-t)
    for e in azcred.journal.requests(): print(e)
@pytest.mark.parametrize("f",["fake_managed_identity","fake_service_principal","fake_workload_identity"])
def test_aio(f, request, azcred):
    p=request.getfixturevalue(f)
    async def main():
        async with aio.DefaultAzureCredential() as c: return await c.get_token("https://storage.azure.com/.default")
    t=asyncio.run(main()); 
    for e in azcred.journal.requests(): print(e)
    assert who(t)["appid"]==p.identity.client_id
def test_outside(azcred):
    import requests
    with pytest.raises(RuntimeError) as e: requests.get("https://example.com")
    print(e.value)
