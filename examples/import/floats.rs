//! The floats of a tensor. What the file stores in 16 bits is widened to f32, which holds each value exactly.

use safetensors::Dtype;
use safetensors::tensor::TensorView;

/// `None` for a type that f32 does not hold exactly.
pub fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = tensor.data();
    let (words, _) = data.as_chunks::<4>();
    let (halves, _) = data.as_chunks::<2>();
    match tensor.dtype() {
        Dtype::F32 => Some(words.iter().copied().map(f32::from_le_bytes).collect()),
        Dtype::F16 => Some(halves.iter().copied().map(u16::from_le_bytes).map(f16_to_f32).collect()),
        Dtype::BF16 => Some(halves.iter().copied().map(u16::from_le_bytes).map(bf16_to_f32).collect()),
        _ => None,
    }
}

/// The upper half of an f32.
pub fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// IEEE 754 binary16: a sign, 5 bits of exponent with bias 15, 10 bits of fraction.
pub fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (u32::from(bits >> 10 & 0x1f), u32::from(bits & 0x3ff));
    let magnitude = match exponent {
        // Subnormal there, a normal number here; the product is exact.
        0 => (fraction as f32 * 2f32.powi(-24)).to_bits(),
        0x1f => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 127 - 15) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}
