"""STAR-ReID's text branch: tokens, pooled words, and a published BERT from a folder."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from reid_core.errors import ModelError, UsageError
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint, sha256_of
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.star_reid.text_branch import TextTokens, build_branch, load_branch
from reid_core.models.star_reid.text_encoder import save_text_encoder
from reid_core.models.star_reid.text_settings import BertSettings
from reid_core.models.star_reid.text_tokens import BertTokens, load_tokens, word_tokens
from reid_core.preprocess import Preprocess
from reid_core.runtime.language import load_text_encoder


def test_words_become_tokens_between_the_first_and_the_last():
    tokens = word_tokens(["a red coat.", "a Blue coat"], 6)
    assert tokens.size == 4 + 5
    numbers, there = tokens(["A red hat", "coat", "a a a a a a a"])
    # [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, then . a blue coat red; a hat is unknown, a long text is cut.
    assert numbers.tolist() == [[2, 5, 8, 1, 3, 0], [2, 7, 3, 0, 0, 0], [2, 5, 5, 5, 5, 3]]
    assert there.tolist() == [[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0], [1] * 6]
    again = BertTokens.from_json(tokens.as_json(), 6)
    assert again(["a blue coat."])[0].tolist() == tokens(["a blue coat."])[0].tolist()
    for wrong in ("", "  ", None):
        with pytest.raises(UsageError, match="at least one word"):
            tokens([wrong])
    with pytest.raises(ModelError, match="damaged"):
        BertTokens.from_json("{", 6)


def test_a_tokenizer_of_another_kind_is_refused():
    from tokenizers import Tokenizer, models

    own = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "<s>": 2}, "[UNK]"))
    with pytest.raises(ModelError, match=r"no token '\[CLS\]'"):
        BertTokens(own, 6)


def test_pooled_words_are_the_greatest_of_the_text_alone():
    words = torch.tensor([[[1.0, -5], [2, -7], [9, 9]]])
    there = torch.tensor([[True, True, False]])
    assert TextTokens(torch.zeros(1, 2), words, there).pooled().tolist() == [[2.0, -5.0]]


@pytest.fixture(scope="module")
def published(module_tmp):
    """A small BERT with its pooler and its tokenizer, as they are published."""
    from transformers import BertConfig, BertModel

    folder = module_tmp("bert")
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
        max_position_embeddings=16,
    )  # fmt: skip
    model = BertModel(config).eval()
    model.save_pretrained(folder)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "coat", "##s"]
    (folder / "vocab.txt").write_text("\n".join(words))
    return folder, model


@pytest.mark.slow
def test_a_published_bert_gives_what_it_gave_there(published):
    folder, model = published
    tokens = load_tokens(str(folder), 10)
    numbers, there = (torch.from_numpy(each) for each in tokens(["A red coat", "coats"]))
    assert numbers.tolist() == [[2, 5, 6, 7, 3], [2, 7, 8, 3, 0]]
    branch = load_branch(str(folder), 8, 1).eval()
    with torch.inference_mode():
        found = branch(numbers, there)
        expected = model(input_ids=numbers, attention_mask=there).last_hidden_state
    assert torch.allclose(found.cls, expected[:, 0], atol=1e-6)
    assert torch.allclose(found.words, expected[:, 1:], atol=1e-6)
    assert found.there.tolist() == [[True] * 4, [True, True, True, False]]
    assert [group.name for group in branch.parameter_groups()] == ["text"]
    wider = load_branch(str(folder), 12, 1)
    assert wider(numbers, there).cls.shape == (2, 12)
    assert [group.name for group in wider.parameter_groups()] == ["text", "text-head"]


@pytest.mark.slow
def test_what_is_no_bert_is_one_sentence(published, tmp_path):
    folder, _ = published
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    state = load_file(tmp_path / "model.safetensors")
    save_file(
        {name: each for name, each in state.items() if "word_embeddings" not in name},
        tmp_path / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(ModelError, match=r"lacks 1 tensors: embeddings\.word_embeddings"):
        load_branch(str(tmp_path), 8, 1)
    (tmp_path / "vocab.txt").unlink()
    for load in (lambda: load_tokens(str(tmp_path), 8), lambda: load_branch(str(tmp_path / "none"), 8, 1)):
        with pytest.raises(ModelError) as caught:
            load()
        assert "\n" not in caught.value.message


@pytest.mark.slow
def test_a_pickle_is_not_opened_unasked(published, tmp_path):
    folder, model = published
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        load_branch(str(tmp_path), 8, 1)
    assert "a pickle is not opened" in caught.value.hint


@pytest.mark.slow
def test_an_encoder_that_is_as_wide_as_it_does_not_say_is_refused(tmp_path):
    network = create_dual_stream("resnet18", embedding=8)
    save_checkpoint(tmp_path / "ck", network, name="small", preprocess=Preprocess(height=64, width=32))
    files, tokens = open_checkpoint(tmp_path / "ck"), word_tokens(["a red coat"], 8)
    sizes = {"width": 8, "layers": 1, "heads": 2, "feed_forward": 8, "projection": 8}
    branch = build_branch(BertSettings(vocabulary=tokens.size, context=8, **sizes), 1)
    folder = save_text_encoder(files, branch, None, tokens, "words")
    said = json.loads((folder / "text.json").read_text())
    (folder / "text.json").write_text(json.dumps(said | {"embedding": 9}))
    with pytest.raises(ModelError, match="gives 8 numbers, not 9"):
        load_text_encoder(tmp_path / "ck")
    file = folder / "branch.safetensors"
    save_file(load_file(file) | {"scale": torch.ones(9)}, file)
    weights = said["weights"] | {file.name: sha256_of(file)}
    (folder / "text.json").write_text(json.dumps(said | {"weights": weights}))
    with pytest.raises(ModelError, match=r"another text branch than text\.json says: scale"):
        load_text_encoder(tmp_path / "ck")


def test_a_branch_is_a_function_of_its_seed():
    settings = BertSettings(vocabulary=6, context=8, width=8, layers=1, heads=2, feed_forward=8, projection=4)
    one, same, other = (build_branch(settings, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["project.weight"], other["project.weight"])
    with pytest.raises(ValueError, match="multiple of heads"):
        BertSettings(width=10, heads=3)
