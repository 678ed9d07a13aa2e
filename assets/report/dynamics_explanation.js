// What claim 1 says, in words and formulas.
"use strict";

const dynamicsExplanation = () => dom.markup`
  <p>A ReLU network is piecewise linear. As long as no ReLU switches between on and off (no
  <em>gate</em> flips), its logits are <math><mi>z</mi><mo>+</mo><mi>J</mi><mi>δ</mi></math>: a
  linear function of the perturbation <math><mi>δ</mi></math> of the input. An attack that climbs
  the gradient of the loss in <math><mi>m</mi></math> steps of size
  <math><mi>α</mi></math>, together of strength
  <math><mi>β</mi><mo>=</mo><mi>α</mi><mi>m</mi></math>, can then be solved on paper. Three
  solutions are compared with the real attack:</p>
  <div class="ideas">
    <section>
      <h3>Quadratic</h3>
      <p class="formula"><math display="block">
        <mi>δ</mi><mo>=</mo>
        <munder><mo>∑</mo><mi>i</mi></munder>
        <mfrac>
          <mrow><msup><mrow><mo>(</mo><mn>1</mn><mo>+</mo><mi>α</mi>
            <msub><mi>λ</mi><mi>i</mi></msub><mo>)</mo></mrow><mi>m</mi></msup>
            <mo>−</mo><mn>1</mn></mrow>
          <msub><mi>λ</mi><mi>i</mi></msub>
        </mfrac>
        <mspace width="0.2em"/><msub><mi>γ</mi><mi>i</mi></msub>
        <msub><mi>v</mi><mi>i</mi></msub>
      </math></p>
      <p>The loss is replaced with its second-order expansion at the clean image.
      <math><msub><mi>λ</mi><mi>i</mi></msub></math> and
      <math><msub><mi>v</mi><mi>i</mi></msub></math> are the eigenvalues and eigenvectors of its
      Hessian with respect to the input, and
      <math><msub><mi>γ</mi><mi>i</mi></msub></math> is the gradient along
      <math><msub><mi>v</mi><mi>i</mi></msub></math>. Each component grows exponentially with its
      eigenvalue, so the largest eigenvalues take over as the attack gets stronger.</p>
    </section>
    <section>
      <h3>Region-exact</h3>
      <p class="formula"><math display="block">
        <msub><mi>c</mi><mrow><mi>t</mi><mo>+</mo><mn>1</mn></mrow></msub><mo>=</mo>
        <msub><mi>c</mi><mi>t</mi></msub><mo>+</mo><mi>α</mi>
        <mspace width="0.15em"/><mi>s</mi><mo>(</mo><mi>z</mi><mo>+</mo><mi>K</mi>
        <msub><mi>c</mi><mi>t</mi></msub><mo>)</mo><mo>,</mo>
        <mspace width="0.8em"/>
        <mi>δ</mi><mo>=</mo><msup><mi>J</mi><mo>⊤</mo></msup><mi>c</mi>
      </math></p>
      <p>The softmax is kept exact; the only assumption left is that no gate flips. The
      perturbation stays in the span of the rows of <math><mi>J</mi></math>, so the attack is a
      recursion on one number per class, from
      <math><msub><mi>c</mi><mn>0</mn></msub><mo>=</mo><mn>0</mn></math> and with
      <math><mi>K</mi><mo>=</mo><mi>J</mi><msup><mi>J</mi><mo>⊤</mo></msup></math>;
      <math><mi>s</mi></math> is the softmax less one at the true class, the gradient of the loss
      with respect to the logits.</p>
    </section>
    <section>
      <h3>Re-linearised</h3>
      <p class="formula"><math display="block">
        <mi>δ</mi><mo>=</mo>
        <msup><mi>δ</mi><mrow><mo>(</mo><mn>1</mn><mo>)</mo></mrow></msup><mo>+</mo>
        <msup><mi>δ</mi><mrow><mo>(</mo><mn>2</mn><mo>)</mo></mrow></msup><mo>+</mo>
        <mo>⋯</mo>
      </math></p>
      <p>The attack is cut into segments, for each image as long as the gradient predicted at their
      ends is the real one. Each is predicted first with the network linearised where it starts, then
      with the straight line (chord) of every ReLU between that start and the predicted end. This
      follows the attack across gates that flip, at the price of visiting the network several times
      for every segment.</p>
    </section>
  </div>
  <p class="quiet">Units: a pixel value lies in [0, 1] and the loss is in nats, so eigenvalues are
  in nat per pixel² and <math><mi>β</mi></math> in pixel² per nat.</p>`;
