// Chart draws the last minute of a figure as a line.

const NS = 'http://www.w3.org/2000/svg';
const POINTS = 60;
const WIDTH = POINTS - 1;
const HEIGHT = 24;

export class Chart {
  #values = [];
  #line = document.createElementNS(NS, 'polyline');
  #most = document.createElement('span');
  #now = document.createElement('span');
  #write;
  #name;
  element = document.createElement('div');

  // write turns a value into text; floor is the least value at the top.
  constructor(name, write, floor) {
    this.#name = name;
    this.#write = write;
    this.floor = floor;
    const svg = document.createElementNS(NS, 'svg');
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    svg.append(this.#line);
    this.element.className = 'chart';
    this.element.setAttribute('role', 'img');
    this.element.append(this.#now, this.#most, svg);
  }

  add(value) {
    this.#values = [...this.#values, value].slice(-POINTS);
    const top = Math.max(this.floor, ...this.#values);
    const from = WIDTH - this.#values.length + 1;
    const points = this.#values.map((v, i) => `${from + i},${(HEIGHT * (1 - v / top)).toFixed(2)}`);
    this.#line.setAttribute('points', points.join(' '));
    this.#now.textContent = `${this.#name} ${this.#write(value)}`;
    this.#most.textContent = this.#write(top);
    this.element.setAttribute('aria-label', `${this.#name}: now ${this.#write(value)}, at most ${this.#write(Math.max(...this.#values))} in the last minute`);
  }
}
