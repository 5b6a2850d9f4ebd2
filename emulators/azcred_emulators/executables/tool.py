"""A tool that one account at a time is signed in to."""

from azcred_emulators.directory import Application, ManagedIdentity, User
from azcred_emulators.executables.accounts import Account, Accounts
from azcred_emulators.executables.executable import Executable


class Tool(Executable):
    """A tool and the `account` that is signed in to it, None if there is none.

    `refusals` are what the token service answers the tool's next requests, whoever is signed in.
    """

    def __init__(self, accounts: Accounts) -> None:
        super().__init__()
        self.accounts = accounts
        self.refusals = accounts.refusals
        self.account: Account | None = None

    def sign_in(self, who: User | Application | ManagedIdentity, *, tenant_id: str | None = None) -> None:
        """Sign a user, an application with its newest secret, or a managed identity of the machine in.

        `tenant_id` is by default their own. Raises ValueError for an application that has no secret.
        """
        self.account = self.accounts.sign_in(who, tenant_id=tenant_id)

    def sign_out(self) -> None:
        """Forget the account."""
        self.account = None

    def reset(self) -> None:
        """Sign out, and forget the refusals."""
        self.sign_out()
        self.refusals.clear()
