package dev.upcycle.image;

import dev.upcycle.image.PixelStep.CentreCrop;
import dev.upcycle.image.PixelStep.ResizeShortestEdge;
import dev.upcycle.image.ValueStep.Normalise;
import dev.upcycle.image.ValueStep.Rescale;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/// How many pictures a second one thread prepares for CLIP at 336 pixels.
///
/// Its only argument is a JPEG. Printed: decoding, preprocessing, both; the best and the median of
/// five turns of a second each, after two turns that do not count.
final class PreprocessingBench {
  private static final int TURNS = 5;
  private static final int WARM_UP = 2;
  private static final long TURN_NANOS = 1_000_000_000L;

  private static final ChannelValues MEAN = new ChannelValues(0.48145466, 0.4578275, 0.40821073);
  private static final Preprocessing CLIP_336 =
      new Preprocessing(
          List.of(new ResizeShortestEdge(336, Resampling.BICUBIC), new CentreCrop(336, 336)),
          List.of(
              new Rescale(1.0 / 255),
              new Normalise(MEAN, new ChannelValues(0.26862954, 0.26130258, 0.27577711))),
          MEAN);

  private PreprocessingBench() {}

  public static void main(String[] arguments) throws IOException {
    byte[] jpeg = Files.readAllBytes(Path.of(arguments[0]));
    ImageDecoder decoder = new ImageDecoder(DecodingRules.DEFAULT);
    RgbImage image = decoder.decode(jpeg, arguments[0]);
    System.out.printf(Locale.ROOT, "%s: %s, %d bytes%n", arguments[0], image, jpeg.length);
    measure("decode", () -> decoder.decode(jpeg, "bench"));
    measure("preprocess", () -> CLIP_336.apply(image));
    measure("both", () -> CLIP_336.apply(decoder.decode(jpeg, "bench")));
  }

  private static void measure(String name, Supplier<Object> work) {
    double[] rates = new double[TURNS];
    for (int turn = -WARM_UP; turn < TURNS; turn++) {
      long start = System.nanoTime();
      long spent = 0;
      int images = 0;
      int hash = 0;
      for (; spent < TURN_NANOS; spent = System.nanoTime() - start) {
        hash |= System.identityHashCode(work.get());
        images++;
      }
      if (turn >= 0 && hash != 0) {
        rates[turn] = images * 1e9 / spent;
      }
    }
    Arrays.sort(rates);
    System.out.printf(
        Locale.ROOT,
        "%s: best %.0f, median %.0f images/s%n",
        name,
        rates[TURNS - 1],
        rates[TURNS / 2]);
  }
}
