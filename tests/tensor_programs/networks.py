"""Recurrent layers and cells, attention, transformers."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from tensor_programs.program import (
    evaluated,
    fixed,
    given,
    layer,
    mask,
    named,
    normal,
    plain,
)

Tensor = torch.Tensor

RECURRENT = named(
    {
        "RNNCell": layer(lambda: nn.RNNCell(3, 4), normal(2, 3), normal(2, 4)),
        "RNNCell relu": layer(
            lambda: nn.RNNCell(3, 4, nonlinearity="relu"), normal(2, 3), normal(2, 4)
        ),
        "LSTMCell": layer(lambda: nn.LSTMCell(3, 4), normal(2, 3)),
        "LSTMCell states": plain(
            lambda x, h, c, w, v, b: torch.lstm_cell(x, (h, c), w, v, b, b * 0.3),
            normal(2, 3),
            normal(2, 4),
            normal(2, 4),
            normal(16, 3),
            normal(16, 4),
            normal(16),
        ),
        "GRUCell": layer(lambda: nn.GRUCell(3, 4), normal(2, 3), normal(2, 4)),
        "RNN": layer(lambda: nn.RNN(3, 4, 2), normal(3, 2, 3)),
        "RNN relu": layer(lambda: nn.RNN(3, 4, nonlinearity="relu"), normal(3, 2, 3)),
        "LSTM": layer(lambda: nn.LSTM(3, 4), normal(3, 2, 3)),
        "LSTM 2, bidirectional": layer(
            lambda: nn.LSTM(3, 2, 2, bidirectional=True, batch_first=True),
            normal(2, 3, 3),
        ),
        "LSTM projected": layer(lambda: nn.LSTM(3, 4, proj_size=2), normal(3, 2, 3)),
        "GRU": layer(lambda: nn.GRU(3, 4), normal(3, 2, 3)),
        "GRU no bias": layer(lambda: nn.GRU(3, 4, bias=False), normal(2, 2, 3)),
        "GRU bidirectional": layer(
            lambda: nn.GRU(3, 2, bidirectional=True), normal(3, 2, 3)
        ),
    }
)


def packed(module: nn.Module) -> nn.Module:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = module

        def forward(self, x: Tensor) -> Tensor:
            sequence = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([3, 1]))
            output, _ = nn.utils.rnn.pad_packed_sequence(self.layer(sequence)[0])
            return output

    return Packed()


def self_attention(**options: object) -> Callable[[], nn.Module]:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x: Tensor, *masks: Tensor) -> Tensor:
            shown = dict(zip(("attn_mask", "key_padding_mask"), masks, strict=False))
            return self.attention(x, x, x, **shown, **options)[0]

    return Attention


_QKV = (normal(2, 2, 4, 3), normal(2, 2, 5, 3), normal(2, 2, 5, 3))
_SQUARE = (normal(1, 2, 4, 3),) * 3

ATTENTION = named(
    {
        "LSTM packed": layer(lambda: packed(nn.LSTM(3, 4)), normal(3, 2, 3)),
        "GRU packed": layer(lambda: packed(nn.GRU(3, 2)), normal(3, 2, 3)),
        "sdpa": plain(F.scaled_dot_product_attention, *_QKV),
        "sdpa causal": plain(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
            *_SQUARE,
        ),
        "sdpa boolean mask": plain(
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
            *_QKV,
            mask(4, 5),
        ),
        "sdpa wholly masked row": plain(
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
            *_SQUARE,
            given(
                [True, False, True, True],
                [False] * 4,
                [True] * 4,
                [False, True, True, False],
            ),
        ),
        "sdpa additive mask": plain(
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
            *_QKV,
            fixed(normal(4, 5)),
        ),
        "sdpa learned bias": plain(
            lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
            *_QKV,
            normal(4, 5),
        ),
        "sdpa scale, other width": plain(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.37),
            normal(1, 2, 3, 4),
            normal(1, 2, 5, 4),
            normal(1, 2, 5, 2),
        ),
        "sdpa dropout": plain(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, dropout_p=0.3),
            *_SQUARE,
        ),
        "sdpa grouped queries": plain(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
            normal(1, 4, 3, 4),
            normal(1, 2, 5, 4),
            normal(1, 2, 5, 4),
        ),
        "sdpa 16 tokens": plain(
            F.scaled_dot_product_attention,
            normal(1, 2, 16, 16),
            normal(1, 2, 16, 16),
            normal(1, 2, 16, 16),
        ),
        "MultiheadAttention": layer(self_attention(), normal(2, 3, 4)),
        "MultiheadAttention no weights": layer(
            self_attention(need_weights=False), normal(2, 3, 4)
        ),
        "MultiheadAttention masked": layer(
            self_attention(), normal(2, 3, 4), fixed(normal(3, 3))
        ),
        "MultiheadAttention other sizes": layer(
            lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=5, add_bias_kv=True),
            normal(3, 2, 4),
            normal(4, 2, 3),
            normal(4, 2, 5),
        ),
        "TransformerEncoderLayer": layer(
            lambda: nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0), normal(3, 2, 4)
        ),
        "TransformerEncoderLayer gelu, first": layer(
            lambda: nn.TransformerEncoderLayer(
                4,
                2,
                6,
                dropout=0.1,
                activation="gelu",
                norm_first=True,
                batch_first=True,
            ),
            normal(2, 3, 4),
        ),
        "TransformerEncoderLayer eval": evaluated(
            lambda: nn.TransformerEncoderLayer(4, 2, 6, batch_first=True),
            normal(2, 3, 4),
        ),
        "TransformerEncoder": layer(
            lambda: nn.TransformerEncoder(
                nn.TransformerEncoderLayer(4, 2, 5, dropout=0.0, batch_first=True),
                2,
                enable_nested_tensor=False,
            ),
            normal(1, 3, 4),
        ),
        "TransformerDecoderLayer": layer(
            lambda: nn.TransformerDecoderLayer(4, 2, 5, dropout=0.0),
            normal(2, 2, 4),
            normal(3, 2, 4),
        ),
        "TransformerDecoder": layer(
            lambda: nn.TransformerDecoder(
                nn.TransformerDecoderLayer(4, 1, 5, dropout=0.0), 1, nn.LayerNorm(4)
            ),
            normal(2, 1, 4),
            normal(3, 1, 4),
        ),
        "Transformer": layer(
            lambda: nn.Transformer(4, 2, 1, 1, 5, dropout=0.0, batch_first=True),
            normal(2, 1, 4),
            normal(2, 1, 4),
        ),
    }
)

PROGRAMS = (*RECURRENT, *ATTENTION)
