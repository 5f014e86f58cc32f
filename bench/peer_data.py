"""The peer of `siamscope bench data`: torchvision with PIL, the same two views, on one core.

    python bench/peer_data.py FOLDER [SECONDS]      prints one JSON line; needs torch, torchvision and pillow
"""
import json
import pathlib
import random
import sys
import time

import torch
from PIL import Image, ImageFilter, ImageOps
from torchvision import transforms

torch.set_num_threads(1)


class Blur:
    def __call__(self, image):
        return image.filter(ImageFilter.GaussianBlur(radius=random.uniform(0.1, 2.0)))


class Solarize:
    def __call__(self, image):
        return ImageOps.solarize(image)


def view(blur, solarize):
    return transforms.Compose([
        transforms.RandomHorizontalFlip(),
        transforms.RandomResizedCrop(224, scale=(0.08, 1.0), interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
        transforms.RandomGrayscale(p=0.2),
        transforms.RandomApply([Blur()], p=blur),
        transforms.RandomApply([Solarize()], p=solarize),
        transforms.PILToTensor(),
    ])


views = [view(1.0, 0.0), view(0.1, 0.2)]
files = sorted(p for p in pathlib.Path(sys.argv[1]).rglob("*") if p.suffix.lower() in {".jpg", ".jpeg", ".png"})
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0


def run(duration):
    count, start, cpu = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - start < duration:
        with open(files[count % len(files)], "rb") as stream:
            image = Image.open(stream).convert("RGB")
        for transform in views:
            transform(image)
        count += 1
    return count, time.process_time() - cpu


run(min(1.0, seconds / 5))
count, cpu = run(seconds)
print(json.dumps({"images": count, "images_per_second_per_core": count / cpu, "milliseconds": {"all": 1000 * cpu / count}}))
