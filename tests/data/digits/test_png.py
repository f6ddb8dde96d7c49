import io

import numpy as np
import pytest
from PIL import Image

from sayso.data.digits.png import png, sheet

PIXELS = np.random.default_rng(0).integers(256, size=(7, 5), dtype=np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (7, 5), (92, 90)])
def test_another_program_reads_the_same_pixels(shape):
    pixels = np.random.default_rng(1).integers(256, size=shape, dtype=np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as image:
        image.verify()
    with Image.open(io.BytesIO(png(pixels))) as image:
        assert image.mode == "L"
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_equal_pictures_give_equal_bytes():
    assert png(PIXELS) == png(PIXELS.copy())


def test_a_sheet_holds_every_picture_enlarged_and_none_touches_another():
    whole = sheet([[PIXELS, 255 - PIXELS], [PIXELS]], least_width=12)
    scale = 3  # the least by which five columns become at least twelve
    gap = (whole.shape[0] - 2 * 7 * scale) // 3
    assert whole.shape == (2 * 7 * scale + 3 * gap, 2 * 5 * scale + 3 * gap)
    first = whole[gap : gap + 7 * scale, gap : gap + 5 * scale]
    np.testing.assert_array_equal(first[::scale, ::scale], PIXELS)
    second = whole[gap : gap + 7 * scale, 2 * gap + 5 * scale : 2 * gap + 10 * scale]
    np.testing.assert_array_equal(second[1::scale, 2::scale], 255 - PIXELS)
    assert len(np.unique(whole[:, :gap])) == 1
