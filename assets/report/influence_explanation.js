// What claim 2 says, in words and formulas.
"use strict";

const influenceExplanation = () => dom.markup`
  <p>In training, every image pulls on the weights of the network, each as hard as its gradient is
  long. Training on attacked images changes who pulls how hard. This chapter shows by what factor
  an attack multiplies the pull of each image by way of the loss (its <em>boost</em>), whether the
  theory knows that factor beforehand, and whether the pull ends up with fewer images or with more
  of them.</p>
  <div class="ideas">
    <section>
      <h3>The boost of an image</h3>
      <p class="formula"><math display="block">
        <mi>b</mi><mo>=</mo>
        <mfrac>
          <mrow><mo>‖</mo><mi>s</mi><mo>(</mo><mi>x</mi><mo>+</mo><mi>δ</mi><mo>)</mo>
            <mo>‖</mo></mrow>
          <mrow><mo>‖</mo><mi>s</mi><mo>(</mo><mi>x</mi><mo>)</mo><mo>‖</mo></mrow>
        </mfrac>
      </math></p>
      <p><math><mi>s</mi></math> is the softmax less one at the true class, through which
      the loss enters the image’s gradient with respect to every weight. As long as no gate flips,
      all else in that gradient changes only linearly with the attack
      <math><mi>δ</mi></math>.</p>
    </section>
    <section>
      <h3>Exponential in βκ</h3>
      <p class="formula"><math display="block">
        <mi>b</mi><mo>≈</mo><msup><mi>e</mi><mrow><mi>β</mi><mi>κ</mi></mrow></msup><mo>,</mo>
        <mspace width="0.8em"/>
        <mi>κ</mi><mo>=</mo><mi>p</mi><mo>(</mo><mn>1</mn><mo>−</mo><mi>p</mi><mo>)</mo>
        <mspace width="0.15em"/><msup><mrow><mo>‖</mo><mi>∇</mi><mi>z</mi>
        <mo>‖</mo></mrow><mn>2</mn></msup>
      </math></p>
      <p>For two classes, with <math><mi>p</mi></math> the probability of the true one:
      unconfidence times squared gradient. For more classes, <math><mi>κ</mi></math> is the rate at
      which the quadratic boost grows in the beginning. The <em>quadratic</em> and the
      <em>region-exact</em> boost follow from the solutions of claim 1.</p>
    </section>
    <section>
      <h3>Effective share</h3>
      <p class="formula"><math display="block">
        <mfrac>
          <msup><mrow><mo>(</mo><mo>∑</mo><mi>w</mi><mo>)</mo></mrow><mn>2</mn></msup>
          <mrow><mi>N</mi><mo>∑</mo><msup><mi>w</mi><mn>2</mn></msup></mrow>
        </mfrac>
      </math></p>
      <p>With <math><mi>w</mi></math> the length of an image’s gradient. It is 100% if all
      <math><mi>N</mi></math> images pull equally hard, and 1% if a hundredth of them do all the
      pulling, equally hard. Where it falls, training concentrates on few images; where it rises,
      it evens out.</p>
    </section>
  </div>`;
