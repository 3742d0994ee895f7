// Draws the map of each answer with CGView.js in place of its static picture. When anything fails,
// the picture stays. Names reach the page as text, never as markup.
"use strict";
(() => {
  const NARROW = 500; // a circle of fewer pixels has no room for names beside it: the list has them
  const MOST_NAMED = 18; // more names beside a whole map are a thicket
  const MOST_LIVE = 6; // canvases take memory: of many answers only those last seen have one
  const live = [];
  // CGView.js makes a picker of colours with inline styles, which the page's policy forbids; no map
  // here has one.
  Object.defineProperty(CGView.Viewer.prototype, "colorPicker", {get: () => ({visible: false, close() {}})});
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const colour = (kind) => getComputedStyle(document.documentElement).getPropertyValue(`--${kind}`).trim();

  // What several labs have is paler.
  function swatch(kind) {
    const hex = colour(kind.split(" ")[0]);
    const [red, green, blue] = [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
    return `rgba(${red},${green},${blue},${kind.endsWith(" shared") ? 0.4 : 1})`;
  }

  // Names beside a circle must fit between it and the edge; the whole name is shown under the pointer.
  function shortName(name, map, width, height) {
    const most = map.circular ? Math.max(8, Math.floor((width / 2 - height * 0.36 - 30) / 6.2)) : 28;
    return name.length > most ? `${name.slice(0, most - 1)}…` : name;
  }

  // Of a map that is seen as a whole the longest annotations are named, of a part all.
  function namedAtFirst(map) {
    const longest = [...map.rings.annotations].sort((a, b) => bases(b, map.length) - bases(a, map.length));
    return new Set(longest.slice(0, MOST_NAMED));
  }

  function nameByZoom(viewer) {
    const isPart = viewer.zoomFactor > 1.5;
    viewer.features().forEach((feature) => {
      if (feature.type === "annotations") feature.favorite = isPart || feature.meta.named;
    });
  }

  function featuresOf(map, width, height) {
    const features = [];
    const named = namedAtFirst(map);
    for (const [ring, arcs] of Object.entries(map.rings)) {
      arcs.forEach((arc, place) => features.push({
        name: shortName(arc.name, map, width, height), type: ring, source: ring, start: arc.start, stop: arc.end,
        strand: arc.strand || 1, legend: `${arc.kind}${arc.strand ? " arrow" : ""}${arc.shared ? " shared" : ""}`,
        favorite: named.has(arc) || (ring === "labs" && isLongest(arcs, place, map.length)),
        score: 1 - bases(arc, map.length) / map.length, meta: {facts: arc.facts, named: named.has(arc)},
      }));
    }
    return features;
  }

  const bases = (arc, length) => ((arc.end - arc.start + length) % length) + 1;

  function isLongest(arcs, place, length) {
    const named = arcs.filter((arc) => arc.name === arcs[place].name);
    const alone = named.filter((arc) => !arc.shared);
    const same = alone.length ? alone : named;
    const most = Math.max(...same.map((arc) => bases(arc, length)));
    return arcs[place] === same.find((arc) => bases(arc, length) === most);
  }

  function optionsOf(map, width, height) {
    const features = featuresOf(map, width, height);
    const kinds = [...new Set(features.map((feature) => feature.legend))];
    const ink = colour("ink");
    return {
      name: "map", width, height,
      sequence: {length: map.length},
      allowDragAndDrop: false,
      settings: {backgroundColor: colour("page"), showShading: false, arrowHeadLength: 0.5,
        initialMapThicknessProportion: map.circular ? 0.16 : 0.3},
      backbone: {color: colour("edge"), thickness: 3},
      ruler: {color: colour("soft"), font: "sans-serif, plain, 11",
        tickCount: map.circular ? Math.max(2, Math.round(height / 85)) : Math.max(3, Math.round(width / 80))},
      annotation: {font: "sans-serif, plain, 12", color: ink, priorityMax: 24, onlyDrawFavorites: true,
        visible: width >= NARROW || !map.circular},
      dividers: {track: {visible: false, spacing: 4}, slot: {visible: false, spacing: 3}},
      centerLine: {visible: false},
      highlighter: {feature: {popovers: false}, backbone: {popovers: false, highlighting: false},
        contig: {popovers: false, highlighting: false}},
      legend: {visible: false, items: kinds.map((kind) => ({
        name: kind, swatchColor: swatch(kind),
        decoration: kind.includes(" arrow") ? "arrow" : "arc"}))},
      features,
    };
  }

  // Outer ring, middle ring, inner ring: how thick each is, and on which side of the sequence.
  const TRACKS = [["annotations", 0.7, "outside"], ["labs", 1.3, "inside"], ["common", 0.6, "inside"]];
  const tracks = () => TRACKS.map(([name, thicknessRatio, position]) => ({
    name, thicknessRatio, position, dataMethod: "source", dataKeys: name, drawOrder: "score", separateFeaturesBy: "none",
  }));

  function tipFor(stage) {
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    stage.append(tip);
    const hide = () => { tip.hidden = true; };
    const show = (facts, x, y) => {
      tip.replaceChildren(...facts.map((fact) => Object.assign(document.createElement("p"), {textContent: fact})));
      tip.hidden = false;
      const room = stage.clientWidth - tip.offsetWidth;
      tip.style.left = `${Math.max(0, Math.min(x + 14, room))}px`;
      tip.style.top = `${y + 14}px`;
    };
    return {hide, show};
  }

  function listen(viewer, stage) {
    const tip = tipFor(stage);
    const told = (event) => {
      const feature = event.elementType === "feature" ? event.element
        : event.elementType === "label" ? event.element.feature : null;
      if (feature) tip.show(feature.meta.facts, event.canvasX, event.canvasY);
      else tip.hide();
    };
    viewer.on("mousemove", told);
    viewer.on("click", told);
    viewer.on("zoom-start", tip.hide);
    viewer.on("zoom-end", () => nameByZoom(viewer));
    stage.addEventListener("mouseleave", tip.hide);
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hide(); });
    // The wheel and a finger scroll the page; a mouse drags the map, buttons zoom it.
    d3.select(viewer.canvas.node("ui")).on("wheel.zoom", null).on("touchstart.zoom", null)
      .on("touchmove.zoom", null).on("touchend.zoom touchcancel.zoom", null);
  }

  function toolsFor(section) {
    const tools = document.createElement("div");
    tools.className = "tools";
    const move = calm.matches ? 0 : 300;
    const actions = [
      ["Zoom in", "+", (viewer) => viewer.zoomIn(2)], ["Zoom out", "−", (viewer) => viewer.zoomOut(2)],
      ["Back along the sequence", "←", (viewer) => viewer.moveLeft(0.5)],
      ["On along the sequence", "→", (viewer) => viewer.moveRight(0.5)],
      ["Show the whole map", "Whole map", (viewer) => viewer.reset(move)],
    ];
    for (const [label, text, act] of actions) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.title = label;
      button.setAttribute("aria-label", label);
      button.addEventListener("click", () => act(section.viewer));
      tools.append(button);
    }
    return tools;
  }

  function draw(section) {
    if (section.viewer) return;
    const stage = section.querySelector(".stage");
    const map = JSON.parse(document.getElementById(section.dataset.map).textContent);
    const box = document.createElement("div");
    box.id = `${section.dataset.map}-viewer`;
    box.className = "viewer";
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", section.querySelector(".picture title").textContent);
    stage.append(box);
    const width = stage.clientWidth;
    const height = map.circular ? Math.round(width < NARROW ? width * 0.86 : width * 0.78) : 260;
    try {
      const viewer = new CGView.Viewer(`#${box.id}`, optionsOf(map, width, height));
      viewer.addTracks(tracks());
      if (!map.circular) viewer.settings.update({format: "linear"});
      viewer.draw();
      listen(viewer, stage);
      section.viewer = viewer;
      section.drawnWidth = width;
      section.classList.add("live");
      performance.mark("map drawn");
      section.tools = toolsFor(section);
      stage.before(section.tools);
      live.push(section);
      if (live.length > MOST_LIVE) remove(live[0]);
    } catch (error) {
      box.remove();
      console.warn(`vecattr: the map is shown as a picture (${error})`);
    }
  }

  function remove(section) {
    live.splice(live.indexOf(section), 1);
    section.classList.remove("live");
    section.querySelector(".viewer").remove();
    section.querySelector(".tip").remove();
    section.tools.remove();
    section.viewer = null;
  }

  function redraw() {
    for (const section of [...live]) { remove(section); draw(section); }
  }

  // A row of a table of stretches shows its stretch on the map.
  function showButtons(article) {
    const section = article.querySelector(".map");
    if (!section) return;
    for (const table of article.querySelectorAll(".stretches")) {
      const head = document.createElement("th");
      head.scope = "col";
      head.textContent = "On the map";
      table.tHead.rows[0].append(head);
    }
    for (const row of article.querySelectorAll("tr[data-start]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "show";
      button.textContent = "Show";
      button.setAttribute("aria-label", `Show bases ${row.cells[0].textContent} on the map`);
      button.addEventListener("click", () => {
        draw(section);
        if (!section.viewer) return;
        const start = Number(row.dataset.start), end = Number(row.dataset.end);
        section.viewer.moveTo(start, end, {duration: calm.matches ? 0 : 500});
        section.scrollIntoView({behavior: calm.matches ? "auto" : "smooth", block: "nearest"});
      });
      row.insertCell().append(button);
    }
  }

  const sections = [...document.querySelectorAll(".map[data-map]")];
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, {rootMargin: "200px"});
  sections.forEach((section) => seen.observe(section));
  document.querySelectorAll(".answer").forEach(showButtons);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (live.some((section) => section.querySelector(".stage").clientWidth !== section.drawnWidth)) redraw();
    }, 150);
  });
})();
