/** The hosts field: says at every change on which hosts a run would run. */

const PAUSE_MILLISECONDS = 150;
const MOST_NAMES = 12;

class HostPicker extends HTMLElement {
  connectedCallback() {
    /** @type {HTMLInputElement | null} */
    this.input = this.querySelector("input");
    this.preview = this.querySelector(".host-preview");
    this.asked = 0;
    if (!this.input || !this.preview) return;
    this.input.addEventListener("input", () => this.askSoon());
    this.drawChoices();
    if (this.input.value) this.ask();
  }

  /** Buttons for groups and hosts, so that the pattern needs no typing. */
  drawChoices() {
    const options = [...this.querySelectorAll("datalist option")];
    if (!options.length) return;
    const box = document.createElement("div");
    box.className = "host-choices d-flex flex-wrap gap-2 mt-2";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "Groups and hosts");
    const kinds = ["group", "host"];
    options.sort((a, b) => kinds.indexOf(a.dataset.kind) - kinds.indexOf(b.dataset.kind));
    for (const option of options.slice(0, 40)) box.append(this.choice(option));
    this.choices = box;
    this.preview.before(box);
    this.markChosen();
  }

  /** @param {Element} option */
  choice(option) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-quiet btn-sm";
    button.value = option.value;
    button.textContent = option.value;
    if (option.dataset.kind === "group") button.append(` (${option.dataset.count})`);
    button.addEventListener("click", () => this.toggle(option.value));
    return button;
  }

  /** @returns {string[]} */
  parts() {
    return this.input.value.split(/[,\s]+/).filter(Boolean);
  }

  /** @param {string} name */
  toggle(name) {
    const parts = this.parts();
    this.input.value = (parts.includes(name) ? parts.filter((part) => part !== name) : [...parts, name]).join(",");
    this.markChosen();
    this.ask();
  }

  markChosen() {
    const parts = this.parts();
    for (const button of this.choices?.children ?? []) {
      const chosen = parts.includes(button.value);
      button.setAttribute("aria-pressed", String(chosen));
      button.classList.toggle("active", chosen);
    }
  }

  askSoon() {
    this.markChosen();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE_MILLISECONDS);
  }

  async ask() {
    const number = ++this.asked;
    const pattern = this.input.value.trim();
    if (!pattern) return this.say("", false);
    try {
      const answer = await fetch(`${this.dataset.match}?${new URLSearchParams({ pattern })}`);
      const value = await answer.json();
      if (number !== this.asked) return;
      if (!answer.ok) return this.say(value.detail ?? "These hosts cannot be used.", true);
      const names = value.hosts.slice(0, MOST_NAMES).join(", ");
      const more = value.count > MOST_NAMES ? ` and ${value.count - MOST_NAMES} more` : "";
      this.say(`This will run on ${value.count} host${value.count === 1 ? "" : "s"}: ${names}${more}`, false);
    } catch {
      this.say("The hosts could not be looked up; the master does not answer.", true);
    }
  }

  /** @param {string} sentence @param {boolean} wrong */
  say(sentence, wrong) {
    this.preview.textContent = sentence;
    this.preview.classList.toggle("text-danger", wrong);
  }
}

customElements.define("host-picker", HostPicker);
