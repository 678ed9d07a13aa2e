// Building elements. Text of the results becomes text nodes and attribute values, never HTML; HTML
// comes only from literals in these files.
"use strict";

const dom = (() => {
  const svgNamespace = "http://www.w3.org/2000/svg";

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  // element("p", {class: "note"}, "text", anotherElement, null)
  function element(name, attributes = {}, ...children) {
    return filled(document.createElement(name), attributes, children);
  }

  function svg(name, attributes = {}, ...children) {
    return filled(document.createElementNS(svgNamespace, name), attributes, children);
  }

  // markup`<p>HTML</p>`: a fragment. Refuses interpolated values: no text of the results gets in.
  function markup(literal, ...values) {
    if (values.length > 0) throw new Error("markup takes no values");
    const template = document.createElement("template");
    template.innerHTML = literal[0];
    return template.content;
  }

  // A table in a box that scrolls when it is wider than the page. `columns` are headings, or
  // {title, number: true} for a column of numbers; `rows` hold strings or elements. The first cell
  // of a row is its heading.
  function table(caption, columns, rows) {
    const kind = (index) => (columns[index].number ? "number" : null);
    const head = columns.map((column, index) =>
      element("th", { scope: "col", class: kind(index) }, column.title ?? column));
    const body = rows.map((row) =>
      element("tr", {}, ...row.map((cell, index) =>
        index === 0
          ? element("th", { scope: "row", class: kind(index) }, cell)
          : element("td", { class: kind(index) }, cell))));
    return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
      element("table", {},
        element("caption", {}, caption),
        element("thead", {}, element("tr", {}, ...head)),
        element("tbody", {}, ...body)));
  }

  // Rows of a term and what it means; an entry whose value is null is left out.
  function definitions(entries) {
    return element("dl", {}, ...entries
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([term, value]) =>
        element("div", {}, element("dt", {}, term), element("dd", {}, value))));
  }

  function details(summary, ...children) {
    return element("details", {}, element("summary", {}, summary), ...children);
  }

  return { element, svg, markup, table, definitions, details };
})();
