"use strict";
const place = document.getElementById("swagger");
window.SwaggerUIBundle({
  domNode: place,
  url: place.dataset.address,
  deepLinking: true,
  validatorUrl: null, // no other host is asked
});
