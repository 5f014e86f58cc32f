"""One training step of each method in idiomatic PyTorch: the same views, sizes, heads, loss, clipping and moving average as this project's.

  python3 -m venv v && v/bin/pip install torch numpy && v/bin/python methods.py --method siamese --arch small --batch 16 --precision bf16
"""
import argparse, copy, os
import torch, torch.nn as nn, torch.nn.functional as F
from common import ARCHITECTURES, PATCHES, Block, TokenBatchNorm, ViT, frozen, gather, layer_norm, measure, patch_pixels, visible_patches


def images(batch, size=224): return torch.randn(batch, 3, size, size)
def mlp(*widths, act=nn.GELU): return nn.Sequential(*[m for i, (p, q) in enumerate(zip(widths, widths[1:])) for m in ([act()] if i else []) + [nn.Linear(p, q)]])


class Siamese(nn.Module):
    """118 of 196 patches masked, projector of 2 and predictor of 4 blocks with batch norm over tokens, UniGrad on dense features."""
    class Branch(nn.Module):
        def __init__(s, d, heads):
            super().__init__(); s.encoder = ViT(d, heads, train_patches=False); del s.encoder.norm; s.embed = nn.Linear(d, d)
            s.projector = nn.Sequential(*[Block(d, 16, TokenBatchNorm) for _ in range(2)])
        def forward(s, x, visible=None): return s.projector(s.embed(s.encoder(x, visible)))
    def __init__(s, d, heads):
        super().__init__(); s.online = s.Branch(d, heads); s.target = frozen(copy.deepcopy(s.online)); s.register_buffer('pos', torch.randn(1, 1 + PATCHES, d) * .02)
        s.mask_token = nn.Parameter(torch.randn(1, 1, d) * .02); s.rel = nn.Linear(2 * d, d)
        s.predictor = nn.Sequential(*[Block(d, 16, TokenBatchNorm) for _ in range(4)]); s.out = nn.Linear(d, d); s.d = d
    def inputs(s, b): return images(b), images(b), visible_patches(b, PATCHES - 118), torch.randn(b, PATCHES, 2 * s.d)
    def followers(s): return [(s.target, s.online)]
    def forward(s, x1, x2, visible, rel):
        y = s.online(x1, visible); pos = s.pos.expand(len(y), -1, -1)
        y = torch.cat([y[:, :1] + pos[:, :1], y[:, 1:] + gather(pos[:, 1:], visible), s.mask_token + s.rel(rel)], 1)
        pred = s.out(s.predictor(y)[:, -PATCHES:]).float().reshape(-1, s.d)
        with torch.no_grad():
            z = F.layer_norm(s.target(x2)[:, 1:].float(), (s.d,)).reshape(-1, s.d); c = z.T @ z / len(z)
        return (((pred - z) ** 2).sum(-1).mean() + .02 * ((pred @ c) * pred).sum(-1).mean()) / s.d


class MAE(nn.Module):
    """A quarter of the patches encoded, a decoder of 8 blocks of width 512, normalised pixels."""
    def __init__(s, d, heads):
        super().__init__(); s.encoder = ViT(d, heads); s.embed = nn.Linear(d, 512); s.mask_token = nn.Parameter(torch.randn(1, 1, 512) * .02)
        s.register_buffer('pos', torch.randn(1, 1 + PATCHES, 512) * .02); s.decoder = nn.Sequential(*[Block(512, 16) for _ in range(8)]); s.norm = layer_norm(512); s.pred = nn.Linear(512, 768)
    def inputs(s, b):
        order = torch.stack([torch.randperm(PATCHES) for _ in range(b)]); return images(b), order
    def followers(s): return []
    def forward(s, x, order):
        visible, b = order[:, :49], len(x)
        y = s.embed(s.encoder.norm(s.encoder(x, visible)))
        filled = torch.cat([y[:, 1:], s.mask_token.expand(b, PATCHES - 49, -1).to(y.dtype)], 1)
        y = torch.cat([y[:, :1], gather(filled, order.argsort(1))], 1) + s.pos
        pred = s.pred(s.norm(s.decoder(y))[:, 1:]).float()
        mask = torch.ones(b, PATCHES, device=x.device).scatter(1, visible, 0)
        return (((pred - patch_pixels(x)) ** 2).mean(-1) * mask).sum() / mask.sum()


class MoCo(nn.Module):
    """Both views through both branches; heads with batch norm, the contrastive loss; or masked views and UniGrad."""
    masked = False
    @staticmethod
    def head(*widths):
        layers = []
        for i, (p, q) in enumerate(zip(widths, widths[1:])):
            last = i == len(widths) - 2; layers += [nn.Linear(p, q, bias=False), nn.BatchNorm1d(q, affine=not last)] + ([] if last else [nn.ReLU()])
        return nn.Sequential(*layers)
    def __init__(s, d, heads):
        super().__init__(); s.online = nn.ModuleDict(dict(encoder=ViT(d, heads, train_patches=False), head=s.head(d, 4096, 4096, 256)))
        s.target = frozen(copy.deepcopy(s.online)); s.predictor = s.head(256, 4096, 256)
    def inputs(s, b): return (images(2 * b),) + ((visible_patches(2 * b, PATCHES - 118),) if s.masked else ())
    def followers(s): return [(s.target, s.online)]
    def project(s, branch, x, visible=None):
        cls = branch.encoder.norm(branch.encoder(x, visible)[:, 0]); return [branch.head(part) for part in cls.chunk(2)]
    def forward(s, x, visible=None):
        q1, q2 = [F.normalize(s.predictor(p).float(), dim=1) for p in s.project(s.online, x, visible)]
        with torch.no_grad(): k1, k2 = [F.normalize(k.float(), dim=1) for k in s.project(s.target, x)]
        return s.compare(q1, k2) + s.compare(q2, k1)
    def compare(s, q, k): return .4 * F.cross_entropy(q @ k.T / .2, torch.arange(len(q), device=q.device))


class MaskedMoCo(MoCo):
    masked = True
    def compare(s, q, k): return -(q * k).sum(1).mean() + .01 * ((q @ (k.T @ k / len(k))) * q).sum(1).mean()


class DistillationHead(nn.Module):
    def __init__(s, d, outputs, train_lengths):
        super().__init__(); s.mlp = mlp(d, 2048, 2048, 256); s.last = nn.utils.parametrizations.weight_norm(nn.Linear(256, outputs, bias=False)); s.last.parametrizations.weight.original0.requires_grad_(train_lengths)
    def forward(s, x): return s.last(s.bottleneck(x))
    def bottleneck(s, x): return F.normalize(s.mlp(x), dim=-1)


def across_views(student, first, second, temperature=.1):
    """student [views, B, K]: each global view against the other's target, each local one against both."""
    log_p = F.log_softmax(student.float() / temperature, -1)
    rows = (second * log_p[0]).sum(-1).mean() + (first * log_p[1]).sum(-1).mean() + ((first + second) * log_p[2:]).sum(-1).mean(1).sum()
    return -rows / (2 * len(student) - 2)


class DINO(nn.Module):
    """Two global crops and eight local ones of 96 pixels, 65,536 outputs."""
    outputs, crops, train_lengths = 65536, 8, False
    def __init__(s, d, heads):
        super().__init__(); s.student = nn.ModuleDict(dict(encoder=ViT(d, heads, 'learned'), head=DistillationHead(d, s.outputs, s.train_lengths)))
        s.teacher = frozen(copy.deepcopy(s.student)); s.register_buffer('center', torch.zeros(1, s.outputs))
    def inputs(s, b): return images(2 * b), images(s.crops * b, 96)
    def followers(s): return [(s.teacher, s.student)]
    def forward(s, x, local):
        b = len(x) // 2
        with torch.no_grad():
            t = s.teacher; out = t.head(t.encoder.norm(t.encoder(x)[:, 0])).float(); first, second = F.softmax((out - s.center) / .04, -1).chunk(2)
            s.center.lerp_(out.mean(0, keepdim=True), .1)
        e = s.student.encoder; cls = torch.cat([e.norm(e(x)[:, 0]), e.norm(e(local)[:, 0])])
        return across_views(s.student.head(cls).view(-1, b, s.outputs), first, second)


class IBOT(DINO):
    """As DINO with ten local crops and 8,192 outputs, and the masked patches of every second global crop."""
    outputs, crops, train_lengths = 8192, 10, True
    def __init__(s, d, heads): super().__init__(d, heads); s.mask_token = nn.Parameter(torch.zeros(1, 1, d)); s.register_buffer('patch_center', torch.zeros(1, s.outputs))
    def inputs(s, b):
        mask = torch.zeros(2 * b, PATCHES, dtype=torch.bool)
        for row in mask[::2]: row[torch.randperm(PATCHES)[:59]] = True
        return *super().inputs(b), mask
    def forward(s, x, local, mask):
        b, hidden = len(x) // 2, mask.flatten().nonzero().squeeze(1)
        weights = (mask / (mask.sum(1, keepdim=True).clamp(min=1) * len(mask))).flatten()[hidden]
        with torch.no_grad():
            t = s.teacher; y = t.encoder.norm(t.encoder(x)); out = t.head(y[:, 0]).float(); first, second = F.softmax((out - s.center) / .04, -1).chunk(2)
            patches = t.head.bottleneck(y[:, 1:].flatten(0, 1)); target = F.softmax((t.head.last(patches[hidden]).float() - s.patch_center) / .04, -1)
            s.center.lerp_(out.mean(0, keepdim=True), .1); s.patch_center.lerp_(t.head.last(patches.mean(0, keepdim=True)).float(), .1)
        e = s.student.encoder; y = e(x, mask=mask, token=s.mask_token); rows = e.norm(y[:, 1:].flatten(0, 1)[hidden])
        cls = torch.cat([e.norm(y[:, 0]), e.norm(e(local)[:, 0])]); out = s.student.head(torch.cat([cls, rows]))
        patch = -((target * F.log_softmax(out[len(cls):].float() / .1, -1)).sum(-1) * weights).sum()
        return across_views(out[:len(cls)].view(-1, b, s.outputs), first, second) + patch


class MSN(nn.Module):
    """A whole target view; an anchor with 166 of its patches and ten small focal views; 1,024 prototypes, Sinkhorn, ME-MAX."""
    def __init__(s, d, heads):
        head = nn.Sequential(nn.Linear(d, 2048), nn.BatchNorm1d(2048), nn.GELU(), nn.Linear(2048, 2048), nn.BatchNorm1d(2048), nn.GELU(), nn.Linear(2048, 256))
        super().__init__(); s.online = nn.ModuleDict(dict(encoder=ViT(d, heads, 'learned'), head=head)); s.target = frozen(copy.deepcopy(s.online)); s.prototypes = nn.Parameter(torch.rand(1024, 256) / 8 - 1 / 16)
    def inputs(s, b): return images(b), images(b), images(10 * b, 96), torch.randperm(PATCHES)[:166]
    def followers(s): return [(s.target, s.online)]
    def vectors(s, branch, x, kept=None): return branch.head(branch.encoder.norm(branch.encoder(x, kept=kept)[:, 0]))
    def forward(s, whole, anchor, focal, kept):
        cosines = lambda v: F.normalize(v.float(), dim=1) @ F.normalize(s.prototypes, dim=1).T
        with torch.no_grad():
            q = F.softmax(cosines(s.vectors(s.target, whole)) / .025, -1); q = q / q.sum()
            for _ in range(3): q = q / (q.sum(0, keepdim=True) * 1024); q = q / (q.sum(1, keepdim=True) * len(q))
            q = q * len(q)
        scores = cosines(torch.cat([s.vectors(s.online, anchor, kept), s.vectors(s.online, focal)])) / .1
        mean = F.softmax(scores, -1).mean(0)
        return -(q * F.log_softmax(scores, -1).view(11, *q.shape)).sum(-1).mean() + 6.931 + (mean * mean.clamp(min=1e-30).log()).sum()


class DenseCL(nn.Module):
    """Images and every patch against queues of 65,536 keys."""
    def __init__(s, d, heads):
        super().__init__(); encoder, width = s.backbone(d, heads)
        s.online = nn.ModuleDict(dict(encoder=encoder, single=mlp(width, 2048, 128, act=nn.ReLU), dense=mlp(width, 2048, 128, act=nn.ReLU)))
        s.target = frozen(copy.deepcopy(s.online))
        for name in ('queue', 'queue2'): s.register_buffer(name, F.normalize(torch.randn(128, 65536), dim=0))
    def inputs(s, b): return images(b), images(b)
    def followers(s): return [(s.target, s.online)]
    def backbone(s, d, heads): return ViT(d, heads, 'learned'), d
    def features(s, encoder, x): return encoder.norm(encoder(x)[:, 1:])
    def project(s, branch, x):
        y = s.features(branch.encoder, x); grid = branch.dense(y)
        return y.float(), F.normalize(branch.single(y.mean(1)).float(), dim=-1), F.normalize(grid.float(), dim=-1), F.normalize(grid.float().mean(1), dim=-1)
    def contrast(s, q, positive, queue):
        logits = torch.cat([positive[:, None], q @ queue], 1) / .2; return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long, device=q.device))
    def forward(s, x1, x2):
        features, single, grid, _ = s.project(s.online, x1)
        with torch.no_grad():
            k_features, k_single, k_grid, k_pooled = s.project(s.target, x2)
            best = (F.normalize(features, dim=-1) @ F.normalize(k_features, dim=-1).transpose(1, 2)).argmax(2); matched = gather(k_grid, best)
        loss = .5 * s.contrast(single, (single * k_single).sum(-1), s.queue.clone()) + .5 * s.contrast(grid.flatten(0, 1), (grid * matched).sum(-1).flatten(), s.queue2.clone())
        with torch.no_grad(): s.queue[:, :len(x1)] = k_single.T; s.queue2[:, :len(x1)] = k_pooled.T
        return loss


class ResNetDenseCL(DenseCL):
    """The same on ResNet-50, channels last."""
    def backbone(s, d, heads):
        from torchvision.models import resnet50
        return nn.Sequential(*list(resnet50().children())[:-2]).to(memory_format=torch.channels_last), 2048
    def features(s, encoder, x): return encoder(x.contiguous(memory_format=torch.channels_last)).flatten(2).transpose(1, 2)


class BEiT(nn.Module):
    """75 of 196 patches replaced, a relative position bias for all blocks, 8,192 codes of a random projection."""
    def __init__(s, d, heads):
        super().__init__(); s.encoder = ViT(d, heads, positions=None); s.mask_token = nn.Parameter(torch.randn(1, 1, d) * .02); s.table = nn.Parameter(torch.zeros(732, heads)); s.head = nn.Linear(d, 8192)
        place = torch.stack(torch.meshgrid(torch.arange(14), torch.arange(14), indexing='ij')).flatten(1); offset = (place[:, :, None] - place[:, None, :] + 13).permute(1, 2, 0)
        index = torch.full((1 + PATCHES, 1 + PATCHES), 731); index[1:, 1:] = offset[..., 0] * 27 + offset[..., 1]; index[0, 1:], index[1:, 0] = 729, 730
        s.register_buffer('index', index); s.register_buffer('projection', torch.randn(16, 768) / 28); s.register_buffer('codebook', F.normalize(torch.randn(8192, 16), dim=1))
    def inputs(s, b):
        mask = torch.zeros(b, PATCHES, dtype=torch.bool)
        for row in mask: row[torch.randperm(PATCHES)[:75]] = True
        return images(b), mask
    def followers(s): return []
    def forward(s, x, mask):
        with torch.no_grad(): codes = (F.normalize(patch_pixels(x)[mask] @ s.projection.T, dim=1) @ s.codebook.T).argmax(1)
        bias = s.table[s.index].permute(2, 0, 1)[None]
        y = s.encoder(x, mask=mask, token=s.mask_token, bias=bias.to(torch.bfloat16) if torch.is_autocast_enabled(x.device.type) else bias)
        return F.cross_entropy(s.head(s.encoder.norm(y[:, 1:][mask])).float(), codes)


class Supervised(nn.Module):
    """1,000 classes from the mean patch token, mixed images and smoothed labels."""
    def __init__(s, d, heads): super().__init__(); s.encoder = ViT(d, heads, 'learned'); s.head = nn.Linear(d, 1000)
    def inputs(s, b): return images(b), torch.arange(b) % 1000
    def followers(s): return []
    def forward(s, x, labels):
        x = x * .6 + x.flip(0) * .4; t = F.one_hot(labels, 1000) * .9 + 1e-4; t = t * .6 + t.flip(0) * .4
        return -(t * F.log_softmax(s.head(s.encoder.norm(s.encoder(x)[:, 1:].mean(1))).float(), -1)).sum(-1).mean()


METHODS = {'siamese': Siamese, 'mae': MAE, 'mocov3': MoCo, 'mocov3-mask': MaskedMoCo, 'dino': DINO, 'ibot': IBOT, 'msn': MSN, 'densecl': DenseCL, 'densecl-resnet': ResNetDenseCL, 'beit': BEiT, 'supervised': Supervised}

if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('--method', default='siamese', choices=METHODS); p.add_argument('--arch', default='small', choices=ARCHITECTURES); p.add_argument('--batch', type=int, default=16)
    p.add_argument('--precision', default='bf16', choices=['fp32', 'bf16']); p.add_argument('--steps', type=int, default=5); p.add_argument('--warm-up', type=int, default=2)
    p.add_argument('--device', default='cpu'); p.add_argument('--compile', action='store_true'); p.add_argument('--threads', type=int, default=os.cpu_count())
    a = p.parse_args(); torch.manual_seed(0); torch.set_num_threads(a.threads)
    module = METHODS[a.method](*ARCHITECTURES[a.arch]); measure(module, module.inputs(a.batch), a)
