"""What the environments of the table set up: their variables and files.

What it needs is imported when it is called, so that the table is light.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from azcred_emulators.directory.identifiers import CLUSTER_ISSUER, SERVICE_ACCOUNT, TENANT_ID
from azcred_emulators.environments.backend import Backend

Files = Callable[[Backend], Mapping[str, str]]
Variables = Callable[[Backend, Path], Mapping[str, str | None]]
Preparation = Callable[[Backend], None]

_PROJECTED_TOKEN = "azure-identity-token"
_CERTIFICATE = "service-principal.pem"


def host_variables(host: str) -> Variables:
    """Set what leads an app to a managed identity host."""
    return lambda emulators, _: emulators.host_variables(host)


def install(host: str) -> Preparation:
    """Put a host's own files in place."""
    return lambda emulators: emulators.hosts[host].install()


def sign_in(tool: str, name: str) -> Preparation:
    """Sign a user, by principal name, or an application, by client id, in to an executable such as "az"."""

    def prepare(emulators: Backend) -> None:
        identity = emulators.directory.user(name) or emulators.directory.principal(name)
        if identity:  # a test may have removed them
            emulators.executables[tool].sign_in(identity)

    return prepare


def pipeline_login(pipeline: str, client_id: str) -> Preparation:
    """Sign the application of a pipeline in to `az` with the pipeline's own token, as its login task does."""

    def prepare(emulators: Backend) -> None:
        from azcred_emulators.directory import Application

        application = emulators.directory.principal(client_id)
        if isinstance(application, Application):
            assertion = emulators.pipelines[pipeline].assertion()
            emulators.executables.azure_cli.sign_in(application, assertion=assertion)

    return prepare


def pipeline_variables(pipeline: str) -> Variables:
    """Set what leads a job of a pipeline to its token."""
    return lambda emulators, _: emulators.pipelines[pipeline].variables(emulators.url_of(pipeline))


def client_secret(client_id: str) -> Variables:
    """Set the variables of a service principal with a secret, the last one that it has in the directory."""

    def variables(emulators: Backend, _: Path) -> Mapping[str, str]:
        application = emulators.directory.principal(client_id)
        secrets = getattr(application, "secrets", ())
        return {
            "AZURE_CLIENT_ID": client_id,
            "AZURE_CLIENT_SECRET": secrets[-1].value if secrets else "",
            "AZURE_TENANT_ID": TENANT_ID,
        }

    return variables


def certificate_file(client_id: str) -> Files:
    """Make the certificate and private key of a service principal, and register them."""

    def files(emulators: Backend) -> Mapping[str, str]:
        from azcred_emulators.directory import Application

        key = emulators.signing_key(client_id)
        application = emulators.directory.principal(client_id)
        if isinstance(application, Application) and key.certificate not in application.certificates:
            emulators.directory.replace(application, certificates=(*application.certificates, key.certificate))
        return {_CERTIFICATE: key.pem().decode()}

    return files


def client_certificate(client_id: str) -> Variables:
    """Set the variables of a service principal with a certificate."""
    return lambda _, folder: {
        "AZURE_CLIENT_CERTIFICATE_PATH": str(folder / _CERTIFICATE),
        "AZURE_CLIENT_ID": client_id,
        "AZURE_TENANT_ID": TENANT_ID,
    }


def projected_token(*, identity_binding: bool = False) -> Files:
    """Make the token that the kubelet projects, without a line break: azure-identity sends the file as it is."""

    def files(emulators: Backend) -> Mapping[str, str]:
        from azcred_emulators.directory.entities import TOKEN_EXCHANGE_AUDIENCE

        audience = "api://AKSIdentityBinding" if identity_binding else TOKEN_EXCHANGE_AUDIENCE
        return {_PROJECTED_TOKEN: emulators.issuers.get(CLUSTER_ISSUER).assertion(SERVICE_ACCOUNT, audience=audience)}

    return files


def workload_identity(client_id: str) -> Variables:
    """Set what the mutating webhook of AKS workload identity sets (Azure/azure-workload-identity)."""
    return lambda _, folder: {
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "AZURE_CLIENT_ID": client_id,
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / _PROJECTED_TOKEN),
        "AZURE_TENANT_ID": TENANT_ID,
    }


def identity_binding(client_id: str) -> Variables:
    """Set what the webhook sets for a pod with an identity binding, the CA's certificate as text."""

    def variables(emulators: Backend, folder: Path) -> Mapping[str, str | None]:
        return {
            **workload_identity(client_id)(emulators, folder),
            "AZURE_KUBERNETES_CA_DATA": emulators.certificate_authority.pem,
            "AZURE_KUBERNETES_SNI_NAME": "emulated.ests.aks",
            "AZURE_KUBERNETES_TOKEN_PROXY": emulators.url_of("identity-binding"),
        }

    return variables
