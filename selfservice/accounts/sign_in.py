"""All that signing in stands on beside names and passwords, made once for a node."""

from __future__ import annotations

from dataclasses import dataclass

from selfservice.accounts.accounts import Accounts
from selfservice.accounts.by_mail import ByMail
from selfservice.accounts.first_passwords import FirstPasswords
from selfservice.accounts.mail import Mail
from selfservice.accounts.outside_people import OutsidePeople, TellGroups, tell_nobody
from selfservice.accounts.passkeys import Passkeys
from selfservice.accounts.password_sign_in import PasswordSignIn
from selfservice.accounts.providers import Providers
from selfservice.accounts.second_factors import SecondFactors
from selfservice.accounts.steps import Steps
from selfservice.audit.journal import Journal
from selfservice.settings import Settings
from selfservice.store.database import Database
from selfservice.store.sealing import Seal


@dataclass(frozen=True)
class SignIn:
    """One of each."""

    steps: Steps
    second_factors: SecondFactors
    passkeys: Passkeys
    providers: Providers
    outside_people: OutsidePeople
    passwords: PasswordSignIn
    mail: Mail
    by_mail: ByMail
    first_passwords: FirstPasswords


def sign_in_of(
    settings: Settings,
    database: Database,
    journal: Journal,
    accounts: Accounts,
    tell_groups: TellGroups = tell_nobody,
) -> SignIn:
    """What signing in needs on this node; `tell_groups` hears of the groups of whoever signs in elsewhere."""
    seal = Seal(settings.instance / "sign_in_key")
    steps = Steps(database, seal)
    providers = Providers(database, journal, seal, accounts.security)
    outside_people = OutsidePeople(database, journal, accounts, tell_groups)
    mail = Mail(settings, database)
    second_factors = SecondFactors(database, journal, seal, steps, accounts.lockout)
    return SignIn(
        steps=steps,
        second_factors=second_factors,
        passkeys=Passkeys(database, journal, steps, settings.address),
        providers=providers,
        outside_people=outside_people,
        passwords=PasswordSignIn(accounts, providers, outside_people, settings.ca_file),
        mail=mail,
        by_mail=ByMail(database, journal, accounts, steps, mail),
        first_passwords=FirstPasswords(accounts, outside_people, second_factors),
    )
