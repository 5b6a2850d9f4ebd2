"""Azure OpenAI: completions of chats, in one piece and streamed."""
