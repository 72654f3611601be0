"""A language model that follows instructions, asked through its own chat template."""

import hashlib
from typing import Any

from reid_core.errors import ModelError
from reid_core.models.hub import AS_TENSORS, SAFELY, loading

_MOST_TOKENS = 120
_VICUNA = (
    "{% if messages[0]['role'] == 'system' %}{{ messages[0]['content'] }} {% else %}A chat between a curious "
    "user and an artificial intelligence assistant. The assistant gives helpful, detailed, and polite "
    "answers to the user's questions. {% endif %}{% for each in messages %}{% if each['role'] == 'user' %}"
    "USER: {{ each['content'] }} {% elif each['role'] == 'assistant' %}ASSISTANT: {{ each['content'] }}</s>"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)
"""Vicuna 1.5 was taught with this one, and is published without it."""


class Instructed:
    """A model of the Hugging Face hub that answers what it is asked, on a GPU where there is one.

    Args:
        source: its name or folder; a model that was taught to follow instructions.
        seed: of what it draws.
        temperature: of the draws.
        instead: what can be done without one, for the hint of an error.

    Raises:
        ModelError: it is not to be had, or has no chat template.
    """

    def __init__(self, source: str, seed: int, temperature: float, instead: str) -> None:
        import torch
        import transformers

        loaders: Any = transformers
        hint = f"Give the name or the folder of a model that follows instructions, {AS_TENSORS}; {instead}."
        device = "cuda" if torch.cuda.is_available() else "cpu"
        with loading(f"The language model {source!r}", hint):
            self._tokenizer: Any = loaders.AutoTokenizer.from_pretrained(source)
            self._model: Any = (
                loaders.AutoModelForCausalLM.from_pretrained(source, **SAFELY).eval().to(device)
            )
        if not self._tokenizer.chat_template and "vicuna" in str(source).lower():
            self._tokenizer.chat_template = _VICUNA
        if not self._tokenizer.chat_template:
            raise ModelError(
                f"The language model {source!r} has no chat template: it follows no instructions."
            )
        self.source, self._seed, self._temperature = source, seed, temperature

    def __call__(self, prompt: str, attempt: int = 0) -> str:
        """What it answers; the same each time, in whatever order prompts come.

        Args:
            prompt: what it is asked.
            attempt: another number draws another answer.
        """
        import torch

        asked = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(self._model.device)
        digest = hashlib.sha256(f"{self._seed}/{attempt}/{prompt}".encode()).digest()
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(int.from_bytes(digest[:7], "big"))
            found = self._model.generate(
                **asked, do_sample=True, temperature=self._temperature, max_new_tokens=_MOST_TOKENS
            )
        length = asked["input_ids"].shape[1]
        text: str = self._tokenizer.decode(found[0, length:], skip_special_tokens=True)
        return text.strip()
