"""Products of matrices, `torch.linalg`, and what is said to be not there: complex, FFT."""

from __future__ import annotations

import torch
from torch import linalg

from tensor_programs.program import (
    at,
    definite,
    fixed,
    named,
    normal,
    orders,
    plain,
    regular,
    symmetric,
)

Tensor = torch.Tensor

PRODUCTS = named(
    {
        "matmul": plain(torch.matmul, normal(3, 4), normal(4, 5)),
        "matmul batch": plain(torch.matmul, normal(2, 1, 3, 4), normal(3, 4, 2)),
        "matmul vector": plain(torch.matmul, normal(3, 4), normal(4)),
        "matmul 64": plain(torch.matmul, normal(64, 64), normal(64, 64)),
        "mv": plain(torch.mv, normal(3, 4), normal(4)),
        "dot": plain(torch.dot, normal(6), normal(6)),
        "outer": plain(torch.outer, normal(4), normal(3)),
        "inner": plain(torch.inner, normal(2, 4), normal(3, 4)),
        "bmm": plain(torch.bmm, normal(2, 3, 4), normal(2, 4, 2)),
        "addmm": plain(
            lambda c, a, b: torch.addmm(c, a, b, beta=0.7, alpha=1.3),
            normal(3, 2),
            normal(3, 4),
            normal(4, 2),
        ),
        "addmv": plain(torch.addmv, normal(3), normal(3, 4), normal(4)),
        "addr": plain(
            lambda c, a, b: torch.addr(c, a, b, beta=0.7, alpha=1.3),
            normal(3, 4),
            normal(3),
            normal(4),
        ),
        "baddbmm": plain(
            lambda c, a, b: torch.baddbmm(c, a, b, beta=0.7, alpha=1.3),
            normal(2, 3, 2),
            normal(2, 3, 4),
            normal(2, 4, 2),
        ),
        "addbmm": plain(torch.addbmm, normal(3, 2), normal(4, 3, 2), normal(4, 2, 2)),
        "einsum attention": plain(
            lambda q, k: torch.einsum("bhid,bhjd->bhij", q, k),
            normal(1, 2, 3, 4),
            normal(1, 2, 5, 4),
        ),
        "einsum diagonal": plain(lambda x: torch.einsum("iij->j", x), normal(3, 3, 2)),
        "einsum three": plain(
            lambda x, y, z: torch.einsum("ij,jk,ki->i", x, y, z),
            normal(3, 4),
            normal(4, 2),
            normal(2, 3),
        ),
        "tensordot": plain(
            lambda x, y: torch.tensordot(x, y, ([1, 2], [0, 1])),
            normal(2, 3, 4),
            normal(3, 4, 2),
        ),
        "kron": plain(torch.kron, normal(2, 3), normal(3, 2)),
        "chain_matmul": plain(
            lambda x, y, z: linalg.multi_dot([x, y, z]),
            normal(3, 4),
            normal(4, 2),
            normal(2, 5),
        ),
        "matrix_power 3": plain(lambda x: linalg.matrix_power(x, 3), regular(3, 3)),
        "vecdot": plain(linalg.vecdot, normal(3, 4), normal(3, 4)),
        "vander": plain(lambda x: linalg.vander(x, N=4), normal(3)),
    }
)

LINALG = named(
    {
        "det": plain(linalg.det, regular(3, 3)),
        "det batch": plain(linalg.det, normal(2, 4, 4)),
        "det 1": plain(linalg.det, normal(1, 1)),
        "det of a singular matrix": plain(
            linalg.det, at([1.5, 2.25, -0.5], [3.0, 4.5, -1.0], [0.7, -1.3, 2.1])
        ),
        "slogdet": plain(linalg.slogdet, regular(3, 3)),
        "logdet": plain(torch.logdet, definite(3, 3)),
        "inv": plain(linalg.inv, regular(3, 3)),
        "inv batch": plain(torch.inverse, regular(2, 3, 3)),
        "solve": plain(linalg.solve, regular(3, 3), normal(3, 2)),
        "solve vector": plain(linalg.solve, regular(2, 3, 3), normal(2, 3)),
        "solve right": plain(
            lambda a, b: linalg.solve(a, b, left=False), regular(3, 3), normal(2, 3)
        ),
        "solve_triangular": plain(
            lambda a, b: linalg.solve_triangular(a, b, upper=False),
            regular(3, 3),
            normal(3, 2),
        ),
        "solve_triangular unit, right": plain(
            lambda a, b: linalg.solve_triangular(
                a, b, upper=True, left=False, unitriangular=True
            ),
            regular(3, 3),
            normal(2, 3),
        ),
        "cholesky": plain(linalg.cholesky, definite(3, 3)),
        "cholesky upper": plain(
            lambda a: linalg.cholesky(a, upper=True), definite(2, 3, 3)
        ),
        "cholesky_solve": plain(
            lambda b, f: torch.cholesky_solve(b, f.tril()), normal(3, 2), regular(3, 3)
        ),
        "cholesky_inverse": plain(
            lambda f: torch.cholesky_inverse(f.tril()), regular(3, 3)
        ),
        "qr": plain(linalg.qr, normal(4, 3)),
        "qr square": plain(linalg.qr, regular(3, 3)),
        "eigh": plain(linalg.eigh, symmetric(3, 3)),
        "eigvalsh": plain(linalg.eigvalsh, symmetric(4, 4)),
        "svd": plain(lambda a: linalg.svd(a, full_matrices=False), normal(4, 3)),
        "svdvals": plain(linalg.svdvals, normal(3, 4)),
        "matrix_norm fro": plain(linalg.matrix_norm, normal(3, 4)),
        "matrix_norm nuc": plain(lambda a: linalg.matrix_norm(a, "nuc"), normal(3, 4)),
        "matrix_norm 2": plain(lambda a: linalg.matrix_norm(a, 2), normal(3, 4)),
        "matrix_norm 1": plain(lambda a: linalg.matrix_norm(a, 1), normal(3, 4)),
        "vector_norm 0.5": plain(lambda a: linalg.vector_norm(a, 0.5), normal(5)),
        "cond": plain(linalg.cond, regular(3, 3)),
        "matrix_exp": plain(linalg.matrix_exp, normal(3, 3)),
        "pinv": plain(linalg.pinv, normal(4, 3)),
        "pinv hermitian": plain(
            lambda a: linalg.pinv(a, hermitian=True), definite(3, 3)
        ),
        "lstsq": plain(
            lambda a, b: linalg.lstsq(a, b).solution, normal(5, 3), normal(5, 2)
        ),
        "lu": plain(linalg.lu, normal(3, 3)),
        "lu_factor, lu_solve": plain(
            lambda a, b: linalg.lu_solve(*linalg.lu_factor(a), b),
            regular(3, 3),
            normal(3, 2),
        ),
        "tensorsolve": plain(
            lambda a, b: linalg.tensorsolve(a.reshape(2, 2, 4), b),
            regular(4, 4),
            normal(2, 2),
        ),
        "tensorinv": plain(
            lambda a: linalg.tensorinv(a.reshape(2, 2, 4), ind=2), regular(4, 4)
        ),
        "householder_product": plain(
            linalg.householder_product, normal(4, 2), normal(2)
        ),
        "matrix_rank product": plain(
            lambda a: a * linalg.matrix_rank(a.detach()), regular(3, 3)
        ),
        "permuted inverse": plain(
            lambda a, p: linalg.inv(a[p]), regular(3, 3), orders(3, 3)
        ),
        "orgqr of geqrf": plain(
            lambda a: linalg.householder_product(*torch.geqrf(a.detach())) * a,
            normal(3, 2),
        ),
        "triangular product": plain(
            lambda a, b: a.tril() @ b.triu(), fixed(normal(3, 3)), normal(3, 3)
        ),
    }
)

PROGRAMS = (*PRODUCTS, *LINALG)

NOT_THERE = named(
    {
        "fft.rfft": plain(lambda x: torch.fft.rfft(x).abs(), normal(8)),
        "fft.fft": plain(lambda x: torch.fft.fft(x).real, normal(6)),
        "fft.irfft": plain(lambda x: torch.fft.irfft(torch.fft.rfft(x)), normal(8)),
        "stft": plain(
            lambda x: torch.stft(
                x, 4, window=torch.ones(4, dtype=x.dtype), return_complex=True
            ).abs(),
            normal(16),
        ),
        "complex": plain(lambda x, y: torch.complex(x, y).abs(), normal(4), normal(4)),
        "view_as_complex": plain(
            lambda x: torch.view_as_real(torch.view_as_complex(x) ** 2), normal(4, 2)
        ),
        "polar": plain(lambda r, t: torch.polar(r, t).real, normal(4), normal(4)),
        "eigvals": plain(lambda a: linalg.eigvals(a).abs(), regular(3, 3)),
        "eig": plain(lambda a: linalg.eig(a).eigenvalues.real, regular(3, 3)),
        "sparse.mm": plain(
            lambda x, y: torch.sparse.mm(x.to_sparse(), y), normal(3, 4), normal(4, 2)
        ),
        "quantised": plain(
            lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -8, 7), normal(6)
        ),
        "nested": plain(
            lambda x, y: torch.nested.nested_tensor([x, y]).to_padded_tensor(0.0),
            normal(2, 3),
            normal(4, 3),
        ),
    }
)
"""What the recorder refuses, with a message that says so."""
