"""Where Azure OpenAI answers, and the parts of a completion that are always the same.

Source: the REST API of Azure OpenAI, "Chat completions - Create"; openai 3 for Python and 6 for JavaScript.
"""

from collections.abc import Mapping

HOSTS = (
    *("*.openai.azure.com", "*.openai.azure.us", "*.cognitiveservices.azure.com", "*.cognitiveservices.azure.us"),
    *("*.services.ai.azure.com", "*.api.cognitive.microsoft.com"),
)
BY_DEPLOYMENT = "/openai/deployments/<deployment>/chat/completions"
BY_MODEL = "/openai/v1/chat/completions"
DONE = "[DONE]"
FINGERPRINT: Mapping[str, str] = {"system_fingerprint": "fp_azcred"}
