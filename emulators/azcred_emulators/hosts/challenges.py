"""What can be wrong with a challenge of Azure Arc's agent."""

from typing import Literal, get_args

ChallengeDefect = Literal[
    "no-header",  # no WWW-Authenticate header
    "no-realm",  # a header without a file
    "no-file",  # a file that is not there
    "other-folder",  # a file in another folder
    "other-suffix",  # a file whose name does not end in .key
    "too-large",  # a file of more than 4096 bytes
    "wrong-key",  # a file with a key that the agent does not accept
]
CHALLENGE_DEFECTS: tuple[ChallengeDefect, ...] = get_args(ChallengeDefect)
