"""Models the paper fine-tuned, and small ones beside them: where they are, how large, under which terms.

Parameters are those of the published configurations. Licences are as stated on the models' pages; read them there
before use. What memory and time a model needs, `sayso.runs.estimate` says.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownModel:
    """A model by its hub name.

    `parameters` in all; `layers` of the decoder (and as many of the encoder where it has one); `width` of what passes
    between layers; `vocabulary` rows of the embedding; `tied`: whether the output layer is the embedding again.
    """

    name: str
    parameters: int
    layers: int
    width: int
    vocabulary: int
    licence: str
    gated: bool = False
    tied: bool = False
    encoder: bool = False


#: Model types of transformers that read a prompt with an encoder and write the rest.
ENCODER_DECODERS = frozenset(
    (
        *("bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "encoder-decoder", "fsmt", "led", "longt5"),
        *(
            "m2m_100",
            "marian",
            "mbart",
            "mt5",
            "musicgen",
            "musicgen_melody",
            "mvp",
            "nllb-moe",
            "pegasus",
            "pegasus_x",
        ),
        *(
            "plbart",
            "prophetnet",
            "seamless_m4t",
            "seamless_m4t_v2",
            "switch_transformers",
            "t5",
            "t5gemma",
            "t5gemma2",
        ),
        *("umt5", "whisper"),
    )
)

_APACHE = "Apache-2.0"
_MIT = "MIT"
_LLAMA_2 = "Llama 2 Community License (accept it on the model's page first)"

#: By hub name. Pythia are the deduplicated ones, which the paper used.
KNOWN_MODELS: dict[str, KnownModel] = {
    model.name: model
    for model in (
        KnownModel("EleutherAI/pythia-70m-deduped", 70_426_624, 6, 512, 50304, _APACHE),
        KnownModel("EleutherAI/pythia-160m-deduped", 162_322_944, 12, 768, 50304, _APACHE),
        KnownModel("EleutherAI/pythia-410m-deduped", 405_334_016, 24, 1024, 50304, _APACHE),
        KnownModel("EleutherAI/pythia-1b-deduped", 1_011_781_632, 16, 2048, 50304, _APACHE),
        KnownModel("EleutherAI/pythia-1.4b-deduped", 1_414_647_808, 24, 2048, 50304, _APACHE),
        KnownModel("EleutherAI/pythia-2.8b-deduped", 2_775_208_960, 32, 2560, 50304, _APACHE),
        KnownModel("EleutherAI/pythia-6.9b-deduped", 6_857_302_016, 32, 4096, 50432, _APACHE),
        KnownModel("EleutherAI/gpt-neo-125m", 125_198_592, 12, 768, 50257, _MIT, tied=True),
        KnownModel("EleutherAI/gpt-neo-1.3B", 1_315_575_808, 24, 2048, 50257, _MIT, tied=True),
        KnownModel("EleutherAI/gpt-neo-2.7B", 2_651_307_520, 32, 2560, 50257, _MIT, tied=True),
        KnownModel("meta-llama/Llama-2-7b-hf", 6_738_415_616, 32, 4096, 32000, _LLAMA_2, gated=True),
        KnownModel("HuggingFaceTB/SmolLM2-135M", 134_515_008, 30, 576, 49152, _APACHE, tied=True),
        KnownModel("HuggingFaceTB/SmolLM2-360M", 361_821_120, 32, 960, 49152, _APACHE, tied=True),
        KnownModel("HuggingFaceTB/SmolLM2-1.7B", 1_711_376_384, 24, 2048, 49152, _APACHE, tied=True),
        KnownModel("google-t5/t5-small", 60_506_624, 6, 512, 32128, _APACHE, tied=True, encoder=True),
        KnownModel("google-t5/t5-base", 222_903_552, 12, 768, 32128, _APACHE, tied=True, encoder=True),
        KnownModel("google-t5/t5-large", 737_668_096, 24, 1024, 32128, _APACHE, tied=True, encoder=True),
        KnownModel("google-t5/t5-3b", 2_851_598_336, 24, 1024, 32128, _APACHE, tied=True, encoder=True),
        KnownModel("google/t5-v1_1-small", 76_961_152, 8, 512, 32128, _APACHE, encoder=True),
        KnownModel("google/t5-v1_1-base", 247_577_856, 12, 768, 32128, _APACHE, encoder=True),
        KnownModel("google/t5-v1_1-large", 783_150_080, 24, 1024, 32128, _APACHE, encoder=True),
        KnownModel("google/t5-v1_1-xl", 2_849_757_184, 24, 2048, 32128, _APACHE, encoder=True),
    )
}
