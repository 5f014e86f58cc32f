"""Corrupts a raw RGB image to float32 numbers from 0 to 255, by the package imagecorruptions, and by OpenCV, SciPy, scikit-image and Pillow where that has no op or no such constants.

Arguments: folder, size. Reads image.raw and uniforms.raw; cases.json names {file, op, level, constants}. Every random number of NumPy is taken from the uniforms in turn.
"""
import json, sys, types
from io import BytesIO
import numpy as np
np.float_ = np.float64
resources = types.ModuleType('pkg_resources')
resources.resource_filename = lambda *a: a[-1]
sys.modules.setdefault('pkg_resources', resources)
import cv2, scipy.ndimage, scipy.stats, skimage.filters
from PIL import Image
import imagecorruptions.corruptions as peer

def smooth(image, sigma, multichannel=False, **more):
    return skimage.filters.gaussian(image, sigma, channel_axis=-1 if multichannel else None, **more)
peer.gaussian = smooth

folder, size = sys.argv[1], int(sys.argv[2])
image = np.fromfile(f'{folder}/image.raw', np.uint8).reshape(size, size, 3)
uniforms = np.fromfile(f'{folder}/uniforms.raw', np.float64)
taken = 0

def take(shape):
    global taken
    count = int(np.prod(shape))
    taken += count
    assert taken <= len(uniforms)
    return uniforms[taken - count:taken].reshape(shape)
def uniform(low=0.0, high=1.0, size=()): return low + (high - low) * take(size)
def normal(loc=0.0, scale=1.0, size=()):
    pairs = take((*size, 2))
    return loc + scale * np.sqrt(-2 * np.log(1 - pairs[..., 0])) * np.cos(2 * np.pi * pairs[..., 1])
np.random.uniform, np.random.normal = uniform, normal
np.random.randint = lambda low, high, size: (low + np.floor(take(size) * (high - low))).astype(int)
np.random.poisson = lambda mean: scipy.stats.poisson.ppf(take(mean.shape), mean)

def elastic(alpha, sigma, affine):
    x = image.astype(np.float64) / 255
    centre, half = np.float32([size // 2, size // 2]), size // 3
    start = np.float32([centre + half, [centre[0] + half, centre[1] - half], centre - half])
    end = start + uniform(-affine, affine, start.shape).astype(np.float32)
    back = cv2.invertAffineTransform(cv2.getAffineTransform(start, end))
    columns, rows = np.meshgrid(np.arange(size), np.arange(size))
    places = np.stack([columns, rows, np.ones_like(rows)], -1) @ back.T
    warped = np.stack([scipy.ndimage.map_coordinates(x[..., c], [places[..., 1], places[..., 0]], order=1, mode='mirror') for c in range(3)], -1)
    field = lambda: skimage.filters.gaussian(uniform(-1, 1, (size, size)), sigma, mode='reflect', truncate=3) * alpha
    dx, dy = field(), field()
    return 255 * np.stack([scipy.ndimage.map_coordinates(warped[..., c], [rows + dy, columns + dx], order=1, mode='reflect') for c in range(3)], -1)

def pixelate(share):
    coarse = Image.fromarray(image).resize((int(size * share),) * 2, Image.BOX)
    return coarse.resize((size, size), Image.BOX)

def jpeg(quality):
    stream = BytesIO()
    Image.fromarray(image).save(stream, 'JPEG', quality=quality)
    return Image.open(stream)

def defocus(radius, smoothing):
    return np.stack([cv2.filter2D(image[..., c] / 255, -1, peer.disk(radius, smoothing)) for c in range(3)], -1) * 255

def zoom(end, step):
    x, factors = image / 255, np.arange(1, end, step)
    total = x.copy()
    for factor in factors:
        cut = int(np.ceil(size / factor)); top = (size - cut) // 2
        large = scipy.ndimage.zoom(x[top:top + cut, top:top + cut], (factor, factor, 1), order=1)
        trim = (len(large) - size) // 2
        total += large[trim:trim + size, trim:trim + size]
    return total / (len(factors) + 1) * 255

def motion(radius, sigma):
    return np.round(peer._motion_blur(image, radius, sigma, uniform(-45, 45)))

own = {'elastic_transform': lambda c: elastic(**c), 'pixelate': pixelate, 'jpeg_compression': jpeg, 'defocus_blur': lambda c: defocus(*c), 'zoom_blur': lambda c: zoom(*c), 'motion_blur': lambda c: motion(*c)}
for case in json.load(open(f'{folder}/cases.json')):
    taken, op = 0, case['op']
    corrupted = own[op](case['constants']) if op in own else getattr(peer, op)(image, case['level'])
    np.clip(np.asarray(corrupted), 0, 255).astype(np.float32).tofile(f"{folder}/{case['file']}")
