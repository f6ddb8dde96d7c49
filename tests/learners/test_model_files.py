"""What is wrong with a model's files is one line that names the file."""

import json
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from sayso.core.errors import SaysoError
from sayso.learners.model_files import check_files, gguf_of, reads_prompts_apart, revision_of, sha256_of, stored_as
from sayso.learners.specs import HFModel
from tests.tiny_models import save_tiny

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def error_of(place: Path, **how: bool) -> str:
    with pytest.raises(SaysoError) as error:
        check_files(str(place), **how)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"model {place}: ")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(save_tiny(tmp_path / "model"))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json", "vocab.txt", "spiece.model"])
def test_a_pointer_in_place_of_a_file_is_named(folder, name):
    check_files(str(folder))
    (folder / name).write_text(POINTER, encoding="utf-8")
    assert error_of(folder) == f"{name} is a Git LFS pointer and not the file itself; run 'git lfs pull' there"


def test_a_pointer_in_place_of_a_gguf_file_is_named(tmp_path):
    (tmp_path / "m.gguf").write_text(POINTER, encoding="utf-8")
    assert "m.gguf is a Git LFS pointer" in error_of(tmp_path)
    assert "m.gguf is a Git LFS pointer" in error_of(tmp_path / "m.gguf").removeprefix(str(tmp_path))


@pytest.mark.parametrize("left", [0, 5, 8, 40, -1000, -1])
def test_weights_that_are_cut_off_are_named(folder, left):
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:left])
    said = error_of(folder)
    assert said.startswith("model.safetensors is cut off")
    assert said.endswith("fetch it again")
    if left < 0:
        assert f"{len(whole) + left:,} of {len(whole):,} bytes" in said
    check_files(str(folder), weights=False)  # where only settings and tokenizer are read


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"a": 1}', b'{"a": {"data_offsets": 1}}', b'{"a": {"data_offsets": [0]}}', b"\xff"]
)
def test_weights_with_a_header_that_is_none_are_named(folder, header):
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    assert "is cut off or no safetensors file" in error_of(folder)


def test_parts_that_are_missing_are_named(folder):
    model = AutoModelForCausalLM.from_pretrained(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    parts = sorted(folder.glob("model-*.safetensors"))
    assert len(parts) > 2
    check_files(str(folder))
    assert stored_as(folder) == "float32"
    parts[1].unlink()
    index = "model.safetensors.index.json"
    assert error_of(folder) == (
        f"{index} names {len(parts)} files, of which 1 is not there (the first is {parts[1].name}); "
        "fetch what is missing"
    )
    (folder / index).write_text("[]", encoding="utf-8")
    assert error_of(folder) == f"{index} cannot be read; fetch it again"
    (folder / index).unlink()
    assert error_of(folder) == f"there are parts of its weights ({parts[0].name}, ...) but no {index}"


def test_what_numbers_are_stored_as_is_that_of_most_of_them(tmp_path):
    assert stored_as(tmp_path) is None
    few, many = torch.zeros(10, dtype=torch.float32), torch.zeros(1000, dtype=torch.bfloat16)
    save_file({"norm": few, "matrix": many}, tmp_path / "model.safetensors")
    assert stored_as(tmp_path) == "bfloat16"
    save_file({"matrix": many.half()}, tmp_path / "model.safetensors")
    assert stored_as(tmp_path) == "float16"


def test_the_commit_a_folder_is_of(tmp_path):
    assert revision_of(tmp_path) is None
    cached = tmp_path / "snapshots" / COMMIT
    cached.mkdir(parents=True)
    assert revision_of(cached) == COMMIT
    fetched = tmp_path / "fetched"
    (fetched / ".cache" / "huggingface" / "download").mkdir(parents=True)
    note = fetched / ".cache" / "huggingface" / "download" / "config.json.metadata"
    note.write_text(f"{COMMIT}\netag\n1.0\n", encoding="utf-8")
    assert revision_of(fetched) == COMMIT
    git = tmp_path / "clone" / ".git"
    (git / "refs" / "heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n", encoding="utf-8")
    assert revision_of(git.parent) is None
    (git / "packed-refs").write_text(f"# pack-refs\n{COMMIT} refs/heads/main\n", encoding="utf-8")
    assert revision_of(git.parent) == COMMIT
    (git / "refs" / "heads" / "main").write_text("f" * 40 + "\n", encoding="utf-8")
    assert revision_of(git.parent) == "f" * 40
    (git / "HEAD").write_text(f"{COMMIT}\n", encoding="utf-8")
    assert revision_of(git.parent) == COMMIT


def test_which_gguf_file_is_meant(tmp_path, folder):
    file = tmp_path / "a.gguf"
    file.write_bytes(b"GGUF....")
    assert gguf_of(str(file)) == file
    assert gguf_of(str(tmp_path)) == file
    (folder / "a.gguf").write_bytes(b"GGUF")
    assert gguf_of(str(folder)) is None  # an ordinary folder, with a GGUF file beside
    assert gguf_of("some/model") is None
    assert gguf_of(str(tmp_path / "b.gguf")) is None
    (tmp_path / "b.gguf").write_bytes(b"GGUF")
    with pytest.raises(SaysoError, match=r"there are 2 GGUF files in this folder \(a.gguf, b.gguf\); name one"):
        gguf_of(str(tmp_path))
    part = tmp_path / "c-00001-of-00002.gguf"
    part.write_bytes(b"GGUF")
    with pytest.raises(SaysoError, match=r"is one of 2 parts; join them first with llama-gguf-split --merge"):
        gguf_of(str(part))


def test_a_file_that_only_is_called_gguf_is_said(tmp_path):
    (tmp_path / "a.gguf").write_bytes(b"PK\x03\x04")
    assert error_of(tmp_path) == "a.gguf is no GGUF file (it does not begin with GGUF)"


def test_a_model_is_its_files(tmp_path, folder):
    file = tmp_path / "a.gguf"
    file.write_bytes(b"GGUF1")
    one = HFModel(name=str(file)).identity()
    assert one == HFModel(name=str(tmp_path)).identity() is not None
    file.write_bytes(b"GGUF2")
    assert HFModel(name=str(file)).identity() not in (one, None)
    own = sha256_of(str(folder))
    (folder / "beside.gguf").write_bytes(b"GGUF")
    assert sha256_of(str(folder)) == own
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "note": 1}))
    assert sha256_of(str(folder)) != own


@pytest.mark.parametrize(
    ("config", "apart"),
    [
        ({"model_type": "t5", "is_encoder_decoder": True}, True),
        ({"model_type": "mbart"}, True),
        ({"model_type": "bart", "is_encoder_decoder": False}, False),
        ({"model_type": "gpt_neox"}, False),
        ({"model_type": ["t5"]}, False),
        ([], False),
    ],
)
def test_a_folder_says_whether_it_holds_an_encoder_decoder(config: object, apart: bool, tmp_path: Path) -> None:
    assert reads_prompts_apart(str(tmp_path)) is False
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert reads_prompts_apart(str(tmp_path)) is apart
    (tmp_path / "config.json").write_text("{")
    assert reads_prompts_apart(str(tmp_path)) is False
