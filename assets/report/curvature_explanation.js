// What claim 3 says, in words and formulas.
"use strict";

const curvatureExplanation = () => dom.markup`
  <p>Training walks downhill on the loss as a function of the weights. Where that landscape curves
  too much for the size of the steps, they overshoot and training oscillates. In adversarial
  training the landscape itself moves, because the attack answers every step. This chapter shows
  how much sharper the valley becomes by that, at which learning rate training tips over, whether
  that can be predicted, and how few images decide over the sharpest directions.</p>
  <div class="ideas">
    <section>
      <h3>Effective curvature</h3>
      <p class="formula"><math display="block">
        <msub><mi>C</mi><mtext>eff</mtext></msub><mo>=</mo>
        <msub><mi>H</mi><mrow><mi>θ</mi><mi>θ</mi></mrow></msub><mo>+</mo>
        <msub><mi>H</mi><mrow><mi>θ</mi><mi>x</mi></mrow></msub>
        <mspace width="0.15em"/><mi>S</mi><mspace width="0.15em"/>
        <msub><mi>H</mi><mrow><mi>x</mi><mi>θ</mi></mrow></msub>
      </math></p>
      <p>The Hessian of the loss in the weights <math><mi>θ</mi></math>, plus what the attack adds
      by following them: <math><mi>S</mi></math> says how it answers a change of its gradient. The
      second part only adds curvature where the attack has settled. The
      <em>Gauss-Newton</em> matrix is the part of the Hessian that comes from the curvature of the
      loss in the logits.</p>
    </section>
    <section>
      <h3>Critical learning rate</h3>
      <p class="formula"><math display="block">
        <msub><mi>η</mi><mtext>crit</mtext></msub><mo>=</mo>
        <mfrac><mrow><mn>2</mn><mo>(</mo><mn>1</mn><mo>+</mo><mi>μ</mi><mo>)</mo></mrow>
          <msub><mi>λ</mi><mn>1</mn></msub></mfrac>
      </math></p>
      <p>With momentum <math><mi>μ</mi></math> and the largest eigenvalue
      <math><msub><mi>λ</mi><mn>1</mn></msub></math> of the curvature. Above this rate, a small
      deviation along the top eigenvector changes sign and grows with every step.</p>
    </section>
    <section>
      <h3>Who carries an eigenvalue</h3>
      <p class="formula"><math display="block">
        <mi>λ</mi><mo>=</mo><mfrac><mn>1</mn><mi>N</mi></mfrac>
        <munder><mo>∑</mo><mi>i</mi></munder>
        <msup><mi>v</mi><mo>⊤</mo></msup><msub><mi>C</mi><mi>i</mi></msub><mi>v</mi>
      </math></p>
      <p>The curvature is the mean over all images, so every eigenvalue is a sum with one part for
      each of them. If few images hold half of it, training stands or falls with those few along the
      eigenvector <math><mi>v</mi></math>.</p>
    </section>
  </div>`;
