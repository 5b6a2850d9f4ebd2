"""Makes and checks Entra ID's tokens, with the run's key and on the emulators' clock."""

import difflib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Any, Literal

import jwt

from azcred_emulators.clock import Clock
from azcred_emulators.clouds import PUBLIC
from azcred_emulators.directory import Directory, TokenTimes
from azcred_emulators.directory.identifiers import TENANT_ID
from azcred_emulators.durations import Duration, as_timedelta, in_seconds
from azcred_emulators.emulation.checkpoint import Undo, undo_all
from azcred_emulators.tokens import claims as make
from azcred_emulators.tokens import received
from azcred_emulators.tokens.access import AppOnlyAccess, Delegation
from azcred_emulators.tokens.claims import BACK_DATED, CAE_CAPABILITY, issuer, issuers_of
from azcred_emulators.tokens.defects import DEFECTS, Forger
from azcred_emulators.tokens.descriptions import TokenDescription, Version
from azcred_emulators.tokens.issuance import Issuance
from azcred_emulators.tokens.keys import SigningKey
from azcred_emulators.tokens.layers import Layers

APPLICATION_LIFETIME = 3600  # seconds; recorded traffic shows exp - iat = 3900 with iat back-dated
MANAGED_IDENTITY_LIFETIME = 86400
LONG_LIFETIME = 86399  # of tokens for clients that understand continuous access evaluation


_USUAL = TokenTimes()


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; `expires_on` and `not_before` are epoch seconds, by the clock of `times`."""

    value: str = field(repr=False)
    claims: Mapping[str, object]
    expires_on: int
    not_before: int
    times: TokenTimes = _USUAL

    def expires_in(self, now: float) -> int:
        """Return the seconds that it has left; `now` is epoch seconds by the app's clock."""
        return int(self.expires_on - in_seconds(self.times.clock_skew, negative=True) - now)

    @property
    def refresh_in(self) -> int | None:
        """The seconds after which a client should ask for a newer token, None for the usual time."""
        return None if self.times.refresh_in is None else int(in_seconds(self.times.refresh_in))

    def is_to_be_renewed(self, now: float) -> bool:
        """Tell whether it is time for a newer token: after `refresh_in`, or half of its life.

        `now` is epoch seconds by the app's clock.
        """
        left = self.expires_in(now)
        if self.refresh_in is not None:
            return self.expires_on - self.not_before - BACK_DATED - left >= self.refresh_in
        return left < (self.expires_on - self.not_before) / 2


RejectionReason = Literal["malformed", "signature", "issuer", "audience", "expired", "not-yet-valid", "another-test"]


class TokenRejected(Exception):
    """A token that a resource with this audience must reject; `reason` says why."""

    def __init__(self, reason: RejectionReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Tokens:
    """Mints tokens on the emulators' clock, with the one key of the run, and checks them.

    The key is made on a thread of its own from the start: generating RSA keys takes tens of milliseconds
    and needs no Python, so it is ready before the first request for a token.

    `lifetime` is how long access tokens last at the start. `layers` say who issues tokens at the moment.
    """

    def __init__(
        self, clock: Clock, directory: Directory, layers: Layers | None = None, *, lifetime: Duration | None = None
    ) -> None:
        self._clock = clock
        self._directory = directory
        self.layers: Layers = layers or Layers()
        self._lifetime: timedelta | None = None
        self.lifetime = lifetime
        self._initial_lifetime = self._lifetime
        self.issuance: Issuance = Issuance(clock, self.layers)
        self._made: list[SigningKey] = []
        self._maker = threading.Thread(target=self._make_key, name="azcred-key", daemon=True)
        self._maker.start()

    def _make_key(self) -> None:
        self._made.append(SigningKey("accounts.accesscontrol.windows.net"))

    def stop(self) -> None:
        """Wait until the thread has ended."""
        self._maker.join()

    @property
    def lifetime(self) -> timedelta | None:
        """How long access tokens last whose identity does not say so itself, None for as long as usual.

        It may be set to a timedelta, to text such as "5 min" or to a number of seconds. Raises ValueError for what is
        no duration, or no time at all.
        """
        return self._lifetime

    @lifetime.setter
    def lifetime(self, duration: Duration | None) -> None:
        lifetime = None if duration is None else as_timedelta(duration)
        if lifetime == timedelta(0):
            raise ValueError(f"a token lasts longer than {duration!r}")
        self._lifetime = lifetime

    @property
    def key(self) -> SigningKey:
        """The key that signs every token of the run and that the keys documents publish."""
        self._maker.join()
        return self._made[0]

    @cached_property
    def _foreign_key(self) -> SigningKey:
        return SigningKey("nobody that Entra ID knows")

    def app_only(self, access: AppOnlyAccess) -> Token:
        """Mint the token by which an application or managed identity acts for itself."""
        times = access.principal.token_times
        usual = MANAGED_IDENTITY_LIFETIME if access.host_resource_id else _lifetime(access.capabilities)
        lifetime = _seconds(times.lifetime or self.lifetime, usual)
        uti = self.issuance.uti(access.principal.client_id, access.principal.object_id)
        return self._sign(make.app_only(access, now=self._now(times), lifetime=lifetime, uti=uti), times)

    def delegated(self, delegation: Delegation) -> Token:
        """Mint the token by which a client acts for a user."""
        times = delegation.client.token_times
        lifetime = _seconds(times.lifetime or self.lifetime, _lifetime(delegation.capabilities))
        uti = self.issuance.uti(delegation.user.object_id, delegation.client.client_id)
        claims = make.delegated(delegation, now=self._now(times), lifetime=lifetime, uti=uti)
        return self._sign(claims, times)

    def id_token(
        self,
        delegation: Delegation,
        *,
        version: int = 2,
        nonce: str | None = None,
        access_token: str | None = None,
        code: str | None = None,
        email: bool = False,
    ) -> str:
        """Mint the token that tells a client who has signed in; `email` is whether the client requested that scope.

        `access_token` and `code` are what comes with it, for the client to see that they belong together.
        """
        return self._sign(
            make.id_token(
                delegation,
                version=version,
                now=int(self._clock.now()),
                lifetime=APPLICATION_LIFETIME,
                uti=self.issuance.uti(delegation.user.object_id, delegation.client.client_id),
                nonce=nonce,
                access_token=access_token,
                code=code,
                email=email,
            )
        ).value

    def mint(self, claims: Mapping[str, object], *, version: Version | None = None) -> Token:
        """Sign claims. The claims that every token has are added, unless they are given, even as None.

        These are `iss`, `iat`, `nbf`, `exp`, `tid`, `uti` and `ver` of a token that the tenant issues now.

        :param claims: the claims. `aud` names the API; in version 2 it becomes the client id of the API.
        :param version: 1 or 2 to add all claims that Entra ID writes in this version. With `scp` they are those of a
            user who delegates to a client, otherwise those of a client that acts for itself.
        :return: the token.
        :raises ValueError: the claims contradict the version.
        """
        return self._sign(self._completed(claims, version))

    def forge(self, defect: str, claims: Mapping[str, object], *, version: Version | None = None) -> str:
        """Return an invalid token with these claims, completed as `mint` does.

        :param defect: what is wrong with it: one of `DEFECTS`, such as "expired".
        :param claims: the claims, as for `mint`.
        :param version: 1 or 2, as for `mint`.
        :return: the token.
        :raises LookupError: there is no such defect; the message has the nearest name.
        :raises ValueError: the claims contradict the version.
        """
        if defect not in DEFECTS:
            near = difflib.get_close_matches(defect, DEFECTS, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(DEFECTS)}."
            raise LookupError(f"there is no defect {defect!r}; {hint}")
        wrong = DEFECTS[defect]
        now = int(self._clock.now())
        times = {name: now + seconds for name, seconds in wrong.times.items()}
        completed = self._completed(claims, version)
        forged = {**completed, **times, **wrong.claims}
        if "tid" in wrong.claims:
            forged["iss"] = issuer(PUBLIC, str(forged["tid"]), 2 if completed.get("ver") == "2.0" else 1)
        present = {name: value for name, value in forged.items() if value is not None}
        return wrong.sign(present, Forger(self.key, self._foreign_key))

    def check(
        self, value: str, *, audiences: Iterable[str], tenant_ids: Iterable[str] | None = None
    ) -> Mapping[str, Any]:
        """Check an access token as a protected resource does, and return its claims.

        :param value: the token.
        :param audiences: the resources that it may be for.
        :param tenant_ids: the tenants that may have issued it; None for any.
        :return: the claims.
        :raises TokenRejected: the token is not valid here.
        """
        try:
            claims = received.read(value, self.key.public).claims
        except jwt.InvalidSignatureError as error:
            raise TokenRejected("signature") from error
        except jwt.InvalidTokenError as error:
            raise TokenRejected("malformed") from error
        tenant_id = str(claims.get("tid"))
        if claims.get("iss") not in issuers_of(tenant_id) or (tenant_ids is not None and tenant_id not in tenant_ids):
            raise TokenRejected("issuer")
        accepted = {audience.rstrip("/").lower() for audience in audiences}
        if str(claims.get("aud")).rstrip("/").lower() not in accepted:
            raise TokenRejected("audience")
        if not self.issuance.is_current(claims):
            raise TokenRejected("another-test")
        now = self._clock.now()
        expires, starts = claims.get("exp"), claims.get("nbf", 0)
        if expires is None or now >= expires:
            raise TokenRejected("expired")
        if now < starts and not self.issuance.was_valid(claims, starts):
            raise TokenRejected("not-yet-valid")
        return claims

    def _completed(self, claims: Mapping[str, object], version: Version | None) -> dict[str, object]:
        now = int(self._clock.now())
        uti = self.issuance.uti(*(str(claims[name]) for name in ("oid", "appid", "azp") if name in claims))
        if version is not None:
            description = TokenDescription(given=claims, version=version, directory=self._directory)
            return description.claims(now=now, lifetime=APPLICATION_LIFETIME, uti=uti)
        tenant_id = str(claims.get("tid") or TENANT_ID)
        number = 2 if claims.get("ver") == "2.0" else 1
        every: dict[str, object] = {
            "iss": issuer(PUBLIC, tenant_id, number),
            "iat": now - BACK_DATED,
            "nbf": now - BACK_DATED,
            "exp": now + APPLICATION_LIFETIME,
            "tid": tenant_id,
            "uti": uti,
            "ver": f"{number}.0",
        }
        return {name: value for name, value in {**every, **claims}.items() if value is not None}

    def _now(self, times: TokenTimes) -> int:
        return int(self._clock.now() + in_seconds(times.clock_skew, negative=True))

    def _sign(self, claims: Mapping[str, object], times: TokenTimes = _USUAL) -> Token:
        header = {"x5t": self.key.id} if claims.get("ver") == "1.0" else {}
        return Token(
            self.key.sign(claims, header=header),
            claims,
            expires_on=int(str(claims.get("exp", 0))),
            not_before=int(str(claims.get("nbf", 0))),
            times=times,
        )

    def checkpoint(self) -> Undo:
        """Note the lifetime and the last token; returns the function that is called before the clock may go back."""
        return undo_all([self.issuance.checkpoint(), partial(setattr, self, "_lifetime", self._lifetime)])

    def reset(self) -> None:
        """Return to the state at the start."""
        self._lifetime = self._initial_lifetime
        self.issuance.reset()


def _lifetime(capabilities: tuple[str, ...]) -> int:
    return LONG_LIFETIME if CAE_CAPABILITY in capabilities else APPLICATION_LIFETIME


def _seconds(duration: Duration | None, usual: int) -> int:
    return usual if duration is None else int(in_seconds(duration))
