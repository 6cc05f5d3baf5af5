/// The room's own logarithm and exponential agree with the C library's.
import Foundation
import RandomCutForest
import Testing

@Test("logarithm and exponential agree with the C library to a few units in the last place")
func elementary() {
    var random = RandomSource(seed: 1, stream: 1)
    for _ in 0..<200_000 {
        let x = random.unit() * Foundation.exp(40 * (random.unit() - 0.5))
        #expect(abs(Elementary.ln(x) - Foundation.log(x)) <= 4e-16 * max(1, abs(Foundation.log(x))))
        let nearOne = 1 - random.unit() * 1e-8
        #expect(abs(Elementary.ln(nearOne) / Foundation.log(nearOne) - 1) < 1e-15)
        let y = (random.unit() - 0.5) * 1_400
        #expect(abs(Elementary.exp(y) / Foundation.exp(y) - 1) < 1e-12)
    }
    for power in 0..<60 { #expect(Elementary.log2(Double(1 << power)) == Double(power)) }
    #expect(Elementary.exp(0) == 1 && Elementary.exp(1_000) == .infinity && Elementary.exp(-1_000) == 0)
}

@Test("ln(1 + x) and e^x - 1 keep their digits near 0")
func nearZero() {
    var random = RandomSource(seed: 1, stream: 2)
    for _ in 0..<100_000 {
        let x = (random.unit() - 0.5) * Foundation.exp(-30 * random.unit())
        #expect(abs(Elementary.lnOnePlus(x) / Foundation.log1p(x) - 1) < 1e-11)
        #expect(abs(Elementary.expMinusOne(x) / Foundation.expm1(x) - 1) < 1e-14)
    }
}
