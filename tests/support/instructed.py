"""A language model of random weights whose chat template is its own."""

WORDS = ("[UNK]", "[END]", "The", "person", "in", "the", "photo", "is", "a", "male", "wearing", "red")


def write_instructed(folder):
    """Its folder; returns the tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    own = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, "[UNK]"))
    own.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=own, unk_token="[UNK]", eos_token="[END]")
    tokenizer.chat_template = "{% for each in messages %}{{ each['content'] }}{% endfor %} The person"
    tokenizer.save_pretrained(folder)
    config = GPT2Config(
        vocab_size=len(WORDS), n_positions=512, n_embd=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    return tokenizer
