"""What the peers share: a Vision Transformer in idiomatic PyTorch (fused attention), and how a training step is timed.

Fused AdamW, autocast, gradient clipping, moving averages by one foreach call: what a practitioner would write today.
"""
import json, os, resource, time
import torch, torch.nn as nn, torch.nn.functional as F

ARCHITECTURES = dict(tiny=(192, 3), small=(384, 6), base=(768, 12))
GRID, PATCHES, PATCH = 14, 196, 16


def layer_norm(d): return nn.LayerNorm(d, eps=1e-6)


class TokenBatchNorm(nn.Module):
    """Batch norm over all tokens of the batch."""
    def __init__(s, d): super().__init__(); s.bn = nn.BatchNorm1d(d)
    def forward(s, x):
        with torch.autocast(x.device.type, enabled=False): return s.bn(x.float().flatten(0, 1)).view(x.shape)


class Block(nn.Module):
    def __init__(s, d, heads, norm=layer_norm):
        super().__init__(); s.heads = heads; s.n1, s.n2 = norm(d), norm(d)
        s.qkv, s.out, s.fc1, s.fc2 = nn.Linear(d, 3 * d), nn.Linear(d, d), nn.Linear(d, 4 * d), nn.Linear(4 * d, d)
    def forward(s, x, bias=None):
        b, n, d = x.shape; q, k, v = s.qkv(s.n1(x)).view(b, n, 3, s.heads, d // s.heads).permute(2, 0, 3, 1, 4)
        x = x + s.out(F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(b, n, d))
        return x + s.fc2(F.gelu(s.fc1(s.n2(x))))


class ViT(nn.Module):
    """Patch embedding, class token, positions, 12 blocks. Masked patches are dropped (`visible` [B, K]) or replaced (`mask` [B, N], `token`)."""
    def __init__(s, d, heads, positions='fixed', train_patches=True):
        super().__init__(); s.patch = nn.Conv2d(3, d, PATCH, PATCH).requires_grad_(train_patches); s.cls = nn.Parameter(torch.randn(1, 1, d) * .02)
        s.pos = None if positions is None else nn.Parameter(torch.randn(1, 1 + PATCHES, d) * .02, requires_grad=positions == 'learned')
        s.blocks = nn.ModuleList(Block(d, heads) for _ in range(12)); s.norm = layer_norm(d)
    def positions(s, side):
        if side == GRID: return s.pos
        grid = F.interpolate(s.pos[:, 1:].view(1, GRID, GRID, -1).permute(0, 3, 1, 2), size=(side, side), mode='bicubic')
        return torch.cat([s.pos[:, :1], grid.flatten(2).transpose(1, 2)], 1)
    def forward(s, x, visible=None, mask=None, token=None, kept=None, bias=None):
        """[B, 1 + K, D] after the last block, without the final norm."""
        t = s.patch(x).flatten(2).transpose(1, 2)
        if mask is not None: t = torch.where(mask[..., None], token.to(t.dtype), t)
        cls = s.cls
        if s.pos is not None: pos = s.positions(x.shape[-1] // PATCH); t, cls = t + pos[:, 1:], cls + pos[:, :1]
        if visible is not None: t = gather(t, visible)
        if kept is not None: t = t[:, kept]
        t = torch.cat([cls.expand(len(t), -1, -1), t], 1)
        for block in s.blocks: t = block(t, bias)
        return t


def gather(x, index): return x.gather(1, index[..., None].expand(-1, -1, x.shape[-1]))


def visible_patches(batch, kept): return torch.stack([torch.randperm(PATCHES)[:kept].sort().values for _ in range(batch)])


def patch_pixels(x):
    """[B, 3, H, W] -> [B, N, P^2 3], each patch normalised by its own mean and variance."""
    b = len(x); t = x.view(b, 3, GRID, PATCH, GRID, PATCH).permute(0, 2, 4, 3, 5, 1).reshape(b, PATCHES, -1)
    return (t - t.mean(-1, keepdim=True)) / (t.var(-1, keepdim=True) + 1e-6).sqrt()


def frozen(module): return module.requires_grad_(False)


def measure(module, inputs, a):
    """Times steps of `module(*inputs)`, which gives the loss; `module.followers()` are (target, online) modules. Prints one JSON line."""
    device = torch.device(a.device); module.to(device); inputs = [x.to(device) for x in inputs]
    params = [q for q in module.parameters() if q.requires_grad]
    opt = torch.optim.AdamW(params, lr=1e-4, betas=(.9, .95), weight_decay=.05, fused=True)
    pairs = [pair for target, online in module.followers() for pair in zip(target.parameters(), (q.detach() for q in online.parameters()))]
    run = torch.compile(module) if a.compile else module
    def step():
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=a.precision == 'bf16'): loss = run(*inputs)
        loss.backward(); nn.utils.clip_grad_norm_(params, 1.0); opt.step(); opt.zero_grad(set_to_none=True)
        if pairs:
            with torch.no_grad(): torch._foreach_lerp_([t for t, _ in pairs], [o for _, o in pairs], .005)
        return loss.item()
    wall, cpu = [], []
    for _ in range(a.warm_up + a.steps):
        started = time.perf_counter(), time.process_time(); loss = step()
        wall.append(time.perf_counter() - started[0]); cpu.append(time.process_time() - started[1])
    median = lambda values: sorted(values[a.warm_up:])[len(values[a.warm_up:]) // 2]
    seconds = median(wall)
    print(json.dumps(dict(peer=f'PyTorch {torch.__version__}' + (' compiled' if a.compile else ''), method=a.method, arch=a.arch, batch=a.batch, precision=a.precision, device=a.device,
        seconds_per_step=round(seconds, 4), images_per_second=a.batch / seconds, processor_seconds_per_step=median(cpu), loss=loss,
        peak_rss_mb=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024), peak_gpu_mb=round(torch.cuda.max_memory_allocated() / 2**20) if device.type == 'cuda' else None)))
