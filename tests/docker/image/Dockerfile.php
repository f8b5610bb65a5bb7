# Like an official php:*-fpm image, on top of Debian's packages.
ARG BASE
FROM ${BASE}
ARG PHP
COPY php-fpm.conf /etc/php/${PHP}/fpm/php-fpm.conf
COPY opcache.ini /etc/php/${PHP}/fpm/conf.d/99-opcache.ini
COPY docker-php-entrypoint /usr/local/bin/
RUN ln -s /usr/sbin/php-fpm${PHP} /usr/local/bin/php-fpm && mkdir -p /etc/php-fpm.d
COPY tini-static /usr/bin/tini
COPY app /srv/app
WORKDIR /srv/app
EXPOSE 9000
STOPSIGNAL SIGQUIT
ENTRYPOINT ["docker-php-entrypoint"]
CMD ["php-fpm"]
